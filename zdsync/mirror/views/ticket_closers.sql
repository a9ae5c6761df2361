-- zdsync.ticket_closers: one row is one live ticket: who closed it, and whether that is known.
-- Used by changes/spoken.py, only for rules that read `closed_by`.
-- The closing is the last change into a status of the class Closed out of another class. It is
-- known who did it where History told, or zdsync did; and nothing more can be had where History
-- was read after the closing was seen.
create or replace view zdsync.ticket_closers as
with classes as (
    select status, is_closed from zdsync.status_classes
),
closing as (
    select c.ticket_id, arg_max({'actor': c.actor, 'agent_id': c.agent_id, 'seen_at': c.seen_at},
        (c.changed_at, c.seq, c.seen_at)) as last
    from zdsync.ticket_changes c
    join classes a on a.status = c.after and a.is_closed
    left join classes b on b.status = c.before
    where c.field = 'status' and not coalesce(b.is_closed, false)
    group by c.ticket_id
),
stand as (
    select t.id, t.history_read_at, c.last, coalesce(c.last.seen_at, t.first_seen_at) as seen_at,
        coalesce(t.status_type = 'Closed', s.is_closed, false) as is_closed
    from desk.tickets t
    left join classes s on s.status = t.status
    left join closing c on c.ticket_id = t.id
    where t.presence = 'live'
)
select
    s.id as ticket_id,
    case when s.is_closed then case s.last.actor
        when 'agent' then coalesce(nullif(trim(a.email_id), ''), s.last.agent_id)
        when 'customer' then 'customer'
        when 'automation' then 'automation'
        when 'zdsync' then 'zdsync'
    end end as closed_by,
    not s.is_closed or coalesce(s.last.actor in ('customer', 'automation', 'zdsync')
        or s.last.agent_id is not null, false)
        or coalesce(s.history_read_at >= s.seen_at, s.history_read_at is not null)
        as knows_closed_by
from stand s
left join desk.agents a on a.id = s.last.agent_id
