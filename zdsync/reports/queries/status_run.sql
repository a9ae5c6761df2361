-- One row is: the last run that pulled or wrote, as published.
-- Parameters: none. Used by: zdsync status.
select run_id, command, started_at, outcome, applied, rejected, unknown, error
from zdsync.runs
where command in ('pull', 'run', 'apply', 'demo')
order by started_at desc
limit 1
