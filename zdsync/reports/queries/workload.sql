-- One row is: the tickets of one department, agent, status and priority that were open at as_of
--   or opened or closed in the period. All numbers add up; departments and totals are sums.
-- Parameters: as_of, since (naive UTC).
-- Used by: reports/ground.py.
--
-- Decisions:
-- 1. Tickets are those of main.tickets that are live or archived (the portal archives old closed
--    tickets; they were opened and closed all the same). Spam, trashed and vanished ones are out.
-- 2. Open at as_of: created before as_of, and it is live and its class is not Closed, or it was
--    closed at or after as_of. On Hold is open. Closed at an unknown time counts as closed.
-- 3. Overdue: open (On Hold too) and due before as_of, as main.tickets.is_overdue says it. Zoho
--    moves the due time of a ticket that comes off hold; until then the promised time stands.
-- 4. Opened in the period: since <= created < as_of, whatever became of the ticket.
-- 5. Closed in the period: class Closed now, since <= closed < as_of. A ticket that was opened
--    again counts as open, not as closed. It counts for the agent who holds it now.
-- 6. Unassigned: no agent's id, even if a team is named: nobody has it in hand. An agent whom the
--    mirror does not know is somebody.
-- 7. Days and periods are UTC; periods are half-open.
with asked as (
    select cast(? as timestamp) as as_of, cast(? as timestamp) as since
),
judged as (
    select
        t.department,
        raw.assignee_id as agent_id,
        t.agent,
        t.agent_email,
        t.status,
        t.priority,
        t.created,
        t.due < a.as_of as late,
        t.status_type,
        (t.created < a.as_of) is not false and case
            when t.status_type = 'Closed' then t.closed >= a.as_of
            else t.presence = 'live'
        end as was_open,
        t.created >= a.since and t.created < a.as_of as was_opened,
        t.status_type = 'Closed' and t.closed >= a.since and t.closed < a.as_of as was_closed
    from main.tickets as t
    cross join asked as a
    left join desk.tickets as raw on raw.id = t.id
    where t.presence in ('live', 'archived')
)
select
    department,
    agent_id,
    agent,
    agent_email,
    case when status_type is distinct from 'Closed' then status end as status,
    status_type,
    priority,
    count(*) filter (was_open) as open,
    count(*) filter (was_open and late) as overdue,
    min(created) filter (was_open) as oldest,
    count(*) filter (was_opened) as opened,
    count(*) filter (was_closed) as closed
from judged
where was_open or was_opened or was_closed
group by all
order by all
