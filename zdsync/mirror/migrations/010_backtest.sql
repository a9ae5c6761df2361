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
comment on table zdsync.histories is 'One row a ticket whose History was read back to its creation';
comment on column zdsync.histories.ticket_id is 'Id of the ticket';
comment on column zdsync.histories.read_at is 'When its History was read (UTC)';
comment on column zdsync.histories.torn is 'Fields of which not every event found its place';
comment on table zdsync.backtests is 'One row a rule in one backtest: how often people agreed with it';
comment on column zdsync.backtests.rule_id is 'Id of the rule';
comment on column zdsync.backtests.rule_digest is 'Names what the rule said; another digest is another rule';
comment on column zdsync.backtests.made_at is 'When the backtest was made (UTC)';
comment on column zdsync.backtests.since is 'Start of its period (UTC)';
comment on column zdsync.backtests.until is 'End of its period (UTC)';
comment on column zdsync.backtests.sample is 'Tickets of the random sample; NULL: all that are known';
comment on column zdsync.backtests.judged is 'Tickets with a verdict';
comment on column zdsync.backtests.unknown is 'Tickets whose verdict could not be known';
comment on column zdsync.backtests.agreed is 'Tickets in which people did what the rule wanted';
comment on column zdsync.backtests.differed is 'Tickets in which people decided otherwise';
comment on column zdsync.backtests.nothing is 'Tickets in which people did nothing';
comment on column zdsync.backtests.low is 'Lower end of the agreement (95 % interval, a part of one)';
comment on column zdsync.backtests.high is 'Upper end of it';
