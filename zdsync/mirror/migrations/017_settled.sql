-- zdsync.rule_settled: one row is one ticket of which the rules wanted nothing while `state`, the
-- digest of all that they read of it, was so. Used by changes/settled.py.
create table zdsync.rule_settled (ticket_id varchar, state ubigint);
