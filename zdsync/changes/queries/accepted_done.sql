-- Changes: each ticket of an accepted backlog that its rule has written since is done.
-- Parameters: none. Used by changes/pauses.py.
update zdsync.accepted
set done_at = j.at
from (
    select a.rule_id, a.ticket_id, a.accepted_at, max(w.intended_at) as at
    from zdsync.accepted a
    join zdsync.journal w on w.rule_id = a.rule_id and w.ticket_id = a.ticket_id
    where a.done_at is null and w.intended_at >= a.accepted_at
        and w.outcome in ('applied', 'already', 'unknown')
    group by a.rule_id, a.ticket_id, a.accepted_at
) j
where accepted.done_at is null and accepted.rule_id = j.rule_id
    and accepted.ticket_id = j.ticket_id and accepted.accepted_at = j.accepted_at
