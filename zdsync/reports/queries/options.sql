-- One row is: a pick-list option of a ticket field, in the portal's own order; is_closed tells a
--   status of the class Closed, however that is spelled (desk-people.md, Status options).
-- Parameters: the field's API name.
-- Used by: reports/ground.py, for the order of the columns.
with options as (
    select
        unnest(cast(pick_list_values as json[])) as option,
        unnest(range(len(cast(pick_list_values as json[])))) as place
    from desk.fields
    where
        module = 'tickets' and api_name = ? and deleted_at is null
        and json_type(pick_list_values) = 'ARRAY'
)
select
    case json_type(option)
        when 'OBJECT' then json_extract_string(option, '$.value')
        else json_extract_string(option, '$')
    end as name,
    coalesce(upper(json_extract_string(option, '$.statusType')) = 'CLOSED', false) as is_closed
from options
where name <> '-None-'
order by place
