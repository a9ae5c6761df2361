-- zdsync.statuses: one row is one status of tickets with its class (Open, On Hold, Closed), as the
-- portal's field metadata says. Used where a ticket does not show its class (hidden by a profile).
create or replace view zdsync.statuses as
select status, any_value(class) as class
from (
    select
        json_extract_string(choice, '$.value') as status,
        case upper(replace(json_extract_string(choice, '$.statusType'), ' ', ''))
            when 'OPEN' then 'Open' when 'ONHOLD' then 'On Hold' when 'CLOSED' then 'Closed'
        end as class
    from (
        select unnest(cast(pick_list_values as json[])) as choice from desk.fields
        where module = 'tickets' and lower(api_name) = 'status' and deleted_at is null
    )
)
where class is not null
group by status
