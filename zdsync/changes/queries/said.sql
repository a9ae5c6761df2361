-- One row is one thing (field) that a rule said, or tried to say, in a ticket; said_at is the last
-- time that it was done or may have been, null where it was only tried; doubtful: that last time is
-- one of which nobody knows.
-- $1: ids of rules, one JSON list. Used by changes/memory.py.
with said as (
    select
        ticket_id, rule_id, field, coalesce(outcome, 'unknown') as told,
        coalesce(settled_at, intended_at) as told_at,
        outcome is null or outcome in ('applied', 'already', 'unknown') as counts
    from zdsync.journal
    where (field in ('comment', 'reply') or starts_with(field, 'notify:'))
        and rule_id in (select unnest(from_json($1, '["VARCHAR"]')))
)
select
    ticket_id, rule_id, field, max(told_at) filter (where counts) as said_at,
    coalesce(arg_max(told, told_at) filter (where counts) = 'unknown', false) as doubtful
from said
group by ticket_id, rule_id, field
