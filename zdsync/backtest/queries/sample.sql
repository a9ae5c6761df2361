-- One row is one drawn ticket, in the order of the draw: id, creation, whether its History was read
-- since it last moved, and of how many tickets it was drawn. Used by backtest/sample.py.
-- Parameters: start and end of the period (UTC), the seed, the number of tickets.
select t.id, t.created_time,
    coalesce(h.read_at >= t.modified_time, false) and not exists (
        select 1 from zdsync.ticket_changes c
        where c.ticket_id = t.id and c.actor = 'unknown' and c.seen_at > h.read_at
    ),
    count(*) over ()
from desk.tickets t
left join zdsync.histories h on h.ticket_id = t.id
where t.presence in ('live', 'spam', 'archived') and t.emptied_at is null
    and t.created_time >= ?::timestamp and t.created_time < ?::timestamp
order by md5(t.id || ?), t.id
limit ?
