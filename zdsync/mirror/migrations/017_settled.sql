-- zdsync.rule_settled: one row is one ticket of which the rules wanted nothing while `state`, the
-- digest of all that they read of it, was so; `key` tells the rules and the portal of that time.
-- Used by changes/settled.py.
create table zdsync.rule_settled (ticket_id varchar, state ubigint, key varchar);
