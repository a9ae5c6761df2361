-- One row is one change of a ticket's field by somebody who is not zdsync.
-- $1: ids of tickets as one JSON list; $2: instant (UTC) from which on. Used by undo_hands.py.
select ticket_id, field, before, after, changed_at, actor, agent_id
from zdsync.ticket_changes
where ticket_id in (select unnest(from_json($1, '["VARCHAR"]')))
    and changed_at >= cast($2 as timestamp)
    and actor is distinct from 'zdsync'
order by changed_at, seq
