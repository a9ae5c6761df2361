-- zdsync.histories: one row is one ticket whose History was read back to its creation, and the
-- fields whose events did not all find their place (`torn`). Used by backtest/ground.py.
create table zdsync.histories (ticket_id varchar, read_at timestamp, torn varchar[]);
-- zdsync.backtests: one row is one rule in one backtest. `rule_digest` names what the rule says;
-- another digest is another rule. Used by backtest/kept.py.
create table zdsync.backtests (
    rule_id varchar, rule_digest varchar, made_at timestamp, since timestamp, until timestamp,
    sample bigint, judged bigint, unknown bigint, agreed bigint, differed bigint, nothing bigint,
    low double, high double
);
