-- One row is: when tickets were last pulled (null: never), and whether a full read of them is
--   still unfinished. The cursor's value is not used: it stays behind by the lookback.
-- Parameters: none.
-- Used by: reports/ground.py.
select max(last_pull_at) as fresh_at, coalesce(bool_or(not complete), false) as partial
from zdsync.cursors
where stream = 'desk.tickets'
