-- agents: one row is one Desk agent that is not gone.
create or replace view main.agents as
with counts as (
    select assignee_id, count(*) as open_tickets, min(created_time) as oldest
    from zdsync.open_tickets group by assignee_id
),
places as (
    select a.id, list(d.name order by d.name) as departments
    from (select id, unnest(associated_department_ids) as department_id from desk.agents) a
    join desk.departments d on d.id = a.department_id group by a.id
)
select
    a.id,
    coalesce(nullif(trim(a.name), ''), nullif(trim(concat_ws(' ', a.first_name, a.last_name)), ''),
        a.email_id) as name,
    a.email_id as email,
    a.status,
    coalesce(upper(a.status) = 'ACTIVE', false) as is_active,
    coalesce(places.departments, []::varchar[]) as departments,
    usr.id is not null as is_crm_user,
    coalesce(counts.open_tickets, 0) as open_tickets,
    counts.oldest as oldest_open
from desk.agents a
left join places on places.id = a.id
left join counts on counts.assignee_id = a.id
left join (
    select zuid, min(id) as id from crm.users where deleted_at is null group by zuid
) usr on usr.zuid = a.zuid
where a.presence <> 'gone'
