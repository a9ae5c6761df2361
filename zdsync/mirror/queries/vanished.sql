-- One row is: a custom field that is gone, and the name it has now if it was renamed.
-- Parameters: none. Used by: mirror/portal.py, for the messages of `zdsync check`.
with gone as (
    select 'desk.fields' as stream, module, api_name from desk.fields
    where deleted_at is not null and is_custom_field
    union all
    select 'crm.fields', module, api_name from crm.fields
    where deleted_at is not null and custom_field
),
renamed as (
    select stream, module, field, arg_max(after, seen_at) as now
    from zdsync.drift
    where kind = 'renamed' and before = field and ended_at is null
    group by all
)
select g.stream, g.module, g.api_name, r.now
from gone g
left join renamed r on r.stream = g.stream and r.module = g.module and r.field = g.api_name
order by all
