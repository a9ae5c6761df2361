-- One row is: how many writes may or may not have been made, nobody knows.
-- Parameters: now (naive UTC); older ones than 30 days are no longer told. Used by: zdsync status.
select count(*)
from zdsync.journal
where coalesce(outcome, 'unknown') = 'unknown'
    and intended_at > cast(? as timestamp) - interval 30 day
