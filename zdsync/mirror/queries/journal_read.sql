-- One row is one line of the journal's files, in their order (n).
-- $1: the lines, one JSON list; $2: their shape for from_json. A value that does not fit its column
-- is null. Used by mirror/journal_table.py.
create or replace temp table journal_read as
select n, kind, run_id, change_id, plan_id, rule_id, rules_digest, rule_digest, command, ticket_id,
    field, evidence, http_status, error,
    coalesce(action, case
        when kind is distinct from 'intent' then null
        when field in ('assignee', 'team') then 'assign'
        when field = 'department' then 'move'
        when field in ('spam', 'comment', 'reply') then field
        when field like 'notify:%' then 'notify'
        when field like 'tag:%' then 'tag'
        else 'set' end) as action,
    case json_type(before) when 'VARCHAR' then before->>'$' when 'NULL' then null
        else before::varchar end as before,
    case json_type(after) when 'VARCHAR' then after->>'$' when 'NULL' then null
        else after::varchar end as after,
    outcome,
    try_cast(try_cast(intended_at as timestamptz) as timestamp) as intended_at,
    try_cast(try_cast(settled_at as timestamptz) as timestamp) as settled_at
from (
    select n, unnest(from_json(line, $2))
    from (
        select unnest(lines) as line, generate_subscripts(lines, 1) as n
        from (select from_json($1, '["JSON"]') as lines)
    )
)
where run_id is not null and change_id is not null
