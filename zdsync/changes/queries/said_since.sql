-- One row is one thing that was said, or may have been, after an instant.
-- $1: the instant, a naive UTC timestamp. Used by changes/memory.py.
select distinct ticket_id, rule_id, field
from zdsync.journal
where (field in ('comment', 'reply') or starts_with(field, 'notify:'))
    and (outcome is null or outcome in ('applied', 'already', 'unknown'))
    and coalesce(settled_at, intended_at) > $1
