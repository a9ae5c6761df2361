-- zdsync.rule_tickets: one row is one ticket, the ground of the rules. Used by changes/ground.py.
-- Every join is on an id that is unique, or aggregated before; so the number of rows never grows.
create or replace view zdsync.rule_tickets as
with setting as (
    select max(value) filter (name = 'sla_tier_path') as sla_tier_path from zdsync.options
),
agent_mail as (
    select distinct lower(trim(email_id)) as email from desk.agents
    where email_id is not null and deleted_at is null
),
crm_mail as (
    select distinct lower(trim(email)) as email from (
        select email from crm.contacts where deleted_at is null
        union all select email from crm.leads where deleted_at is null
    ) where email is not null
),
owners as (
    select person.id, any_value(coalesce(nullif(usr.email, ''), person.owner_email)) as owner,
        any_value(person.account_id) as account_id, any_value(person.cf) as cf
    from (
        select id, owner_id, owner_email, account_id, cf from crm.contacts where deleted_at is null
        union all
        select id, owner_id, owner_email, null, null from crm.leads where deleted_at is null
    ) person
    left join crm.users usr on usr.id = person.owner_id and usr.deleted_at is null
    group by person.id
),
tiers as (
    select id, account_name, cf, coalesce(
        json_extract_string(cf, setting.sla_tier_path),
        json_extract_string(extra, setting.sla_tier_path)
    ) as sla_tier
    from crm.accounts, setting where deleted_at is null
),
tagged as (
    select ticket_id, list(tag order by tag) as tags from desk.ticket_tags group by ticket_id
),
crowd as (
    select contact_id, count(*) as open_tickets from zdsync.open_tickets group by contact_id
),
people as (
    select c.id, c.email, c.type, c.account_id, c.cf,
        nullif(trim(concat_ws(' ', c.first_name, c.last_name)), '') as name,
        c.zoho_crm_contact_id is not null or crm_mail.email is not null as in_crm,
        owners.owner, owners.account_id as crm_account_id, owners.cf as crm_cf
    from desk.contacts c
    left join owners on owners.id = c.zoho_crm_contact_id
    left join crm_mail on crm_mail.email = lower(trim(c.email))
)
select
    t.id as ticket_id,
    t.ticket_number,
    t.presence,
    t.status_type as row_status_type,
    t.department_id,
    t.assignee_id,
    t.team_id,
    t.contact_id,
    coalesce(t.status_type, status.class) as status_type,
    t.tags_read_at,
    t.tags_read_at is not null and coalesce(
        t.tags_row = t.modified_time, t.tags_read_at >= t.modified_time, true) as tags_current,
    t.emptied_at is not null as is_emptied,
    t.subject,
    t.description,
    t.status,
    t.priority,
    t.channel,
    t.category,
    t.sub_category,
    t.classification,
    d.name as department,
    a.email_id as assignee,
    m.name as team,
    case when t.tags_read_at is not null then coalesce(tagged.tags, []::varchar[]) end as tags,
    t.email,
    t.language,
    t.created_time as created,
    t.modified_time as modified,
    greatest(case when t.modified_time <= own.until then own.touched_at else t.modified_time end,
        t.customer_response_time, t.created_time) as touched,
    t.closed_time as closed,
    t.due_date as due,
    t.customer_response_time as customer_replied,
    t.status_since,
    t.assigned_since,
    t.is_escalated,
    coalesce(coalesce(t.status_type, status.class, '') <> 'Closed' and t.due_date < mirror.as_of, false) as is_overdue,
    t.thread_count,
    t.comment_count,
    contact_agent.email is not null or ticket_agent.email is not null as requester_is_agent,
    p.email as contact_email,
    p.name as contact_name,
    p.type as contact_type,
    coalesce(p.in_crm, false) as contact_in_crm,
    p.owner as contact_owner,
    case when t.contact_id is not null then coalesce(crowd.open_tickets, 0) end
        as contact_open_tickets,
    account.account_name,
    coalesce(tier.sla_tier, person_tier.sla_tier) as account_sla_tier,
    t.cf,
    p.cf as contact_cf,
    account.cf as account_cf,
    p.crm_cf as crm_contact_cf,
    coalesce(tier.cf, person_tier.cf) as crm_account_cf
from desk.tickets t
cross join zdsync.as_of mirror
left join zdsync.statuses status on status.status = t.status
left join people p on p.id = t.contact_id
left join desk.accounts account on account.id = coalesce(t.account_id, p.account_id)
left join tiers tier on tier.id = account.zoho_crm_account_id
left join tiers person_tier on person_tier.id = p.crm_account_id
left join desk.departments d on d.id = t.department_id
left join desk.agents a on a.id = t.assignee_id
left join desk.teams m on m.id = t.team_id
left join zdsync.own_writes own on own.ticket_id = t.id
left join crowd on crowd.contact_id = t.contact_id
left join agent_mail contact_agent on contact_agent.email = lower(trim(p.email))
left join agent_mail ticket_agent on ticket_agent.email = lower(trim(t.email))
-- The lists last: carried through further joins they cost more than all of these.
left join tagged on tagged.ticket_id = t.id
