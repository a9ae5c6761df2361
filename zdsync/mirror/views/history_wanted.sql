-- One row is one ticket whose History would tell something new, and back to when it is needed.
-- Parameters: now, the oldest sight that still counts, the latest reading that came too early
-- (timestamps, UTC), the number of tickets. Used by mirror/past.py.
-- A change is asked for once, and once more an hour later where History did not explain it.
with asked as (
    select ?::timestamp as now, ?::timestamp as fresh, ?::timestamp as early
),
open_questions as (
    select c.ticket_id, c.seen_at, coalesce(c.not_before, c.changed_at) as since
    from zdsync.ticket_changes c
    where c.source = 'observed' and c.actor = 'unknown'
)
select q.ticket_id, min(q.since) filter (where q.seen_at >= a.fresh) as since
from open_questions q
cross join asked a
join desk.tickets t on t.id = q.ticket_id and t.presence in ('live', 'spam', 'archived')
    and t.emptied_at is null
group by q.ticket_id
having max(q.seen_at) >= any_value(a.fresh) and (
    any_value(t.history_read_at) is null
    or max(q.seen_at) > any_value(t.history_read_at)
    or (max(q.seen_at) <= any_value(a.early)
        and any_value(t.history_read_at) < max(q.seen_at) + interval 1 hour)
)
order by max(q.seen_at) desc, q.ticket_id
limit ?
