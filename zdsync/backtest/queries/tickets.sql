-- past_tickets: one row is one ticket that the period concerns, with the moment from which its past
-- is known. Used by backtest/ground.py. Parameters: $1 start of the period, $2 its end (UTC),
-- $3 the sample's tickets as JSON, or null: all.
-- `settled`: when a rule would first have seen it. `from_birth`: nothing before that is missing.
-- Ten minutes: architecture 6, so that the portal's own rules may settle. A mirror that first saw a
-- ticket within the hour saw it as rules would have; a later first sight is no beginning.
create or replace temp table past_tickets as
with last_change as (
    select ticket_id, max(changed_at) as moment from zdsync.ticket_changes group by ticket_id
)
select t.id as ticket_id, t.created_time as created, t.presence,
    coalesce(h.torn, []::varchar[]) as torn,
    h.ticket_id is not null as is_read, t.tags_read_at,
    h.ticket_id is not null or t.first_seen_at <= t.created_time + interval 1 hour as from_birth,
    greatest(
        t.created_time + interval 10 minute,
        case when h.ticket_id is null then t.first_seen_at end
    ) as settled
from desk.tickets t
left join zdsync.histories h on h.ticket_id = t.id
left join last_change c on c.ticket_id = t.id
where t.presence in ('live', 'spam', 'archived') and t.emptied_at is null
    and t.created_time < $2::timestamp
    and (h.ticket_id is not null or t.first_seen_at is not null)
    and (coalesce(t.status_type, '') <> 'Closed' or t.closed_time is null
        or t.closed_time >= $1::timestamp or c.moment >= $1::timestamp)
    and ($3::varchar is null or t.id in (select unnest(from_json($3, '["VARCHAR"]'))))
