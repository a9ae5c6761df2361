-- One row is: what the mirror cannot tell about as_of.
--   changed_after: tickets that existed at as_of and were changed at or after it; their status,
--   agent, department, priority and due date are known as they are now only.
--   closed_unknown: closed tickets without a time of closing. tickets: all that count.
-- Parameters: as_of (naive UTC).
-- Used by: reports/ground.py, for its notes.
with asked as (
    select cast(? as timestamp) as as_of
)
select
    count(*) filter (t.created < a.as_of and t.modified >= a.as_of) as changed_after,
    count(*) filter (t.status_type = 'Closed' and t.closed is null) as closed_unknown,
    count(*) as tickets
from main.tickets as t
cross join asked as a
where t.presence in ('live', 'archived')
