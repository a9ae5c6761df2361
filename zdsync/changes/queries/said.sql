-- One row is one thing (field) that a rule said, or tried to say, in a ticket; said_at is the last
-- time that it was done or may have been, null where it was only tried.
-- $1: ids of rules, one JSON list. Used by changes/memory.py.
select ticket_id, rule_id, field,
    max(coalesce(settled_at, intended_at))
        filter (where outcome is null or outcome in ('applied', 'already', 'unknown')) as said_at
from zdsync.journal
where (field in ('comment', 'reply') or starts_with(field, 'notify:'))
    and rule_id in (select unnest(from_json($1, '["VARCHAR"]')))
group by ticket_id, rule_id, field
