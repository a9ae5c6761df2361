-- contacts: one row is one Desk contact that is not gone.
create or replace view main.contacts as
with people as (
    select id, owner_id, owner_email, 'contact' as kind from crm.contacts where deleted_at is null
    union all
    select id, owner_id, owner_email, 'lead' as kind from crm.leads where deleted_at is null
),
owners as (
    select person.id, any_value(person.kind) as kind,
        any_value(coalesce(nullif(usr.email, ''), person.owner_email)) as owner
    from people person left join crm.users usr on usr.id = person.owner_id group by person.id
),
counts as (
    select t.contact_id, count(*) as tickets, count(o.id) as open_tickets
    from desk.tickets t left join zdsync.open_tickets o on o.id = t.id
    where t.presence in ('live', 'archived') group by t.contact_id
)
select
    c.id,
    nullif(trim(concat_ws(' ', c.first_name, c.last_name)), '') as name,
    c.email,
    c.phone,
    c.mobile,
    c.type,
    account.account_name as account,
    owners.owner,
    owners.kind as crm_kind,
    c.zoho_crm_contact_id as crm_id,
    coalesce(counts.tickets, 0) as tickets,
    coalesce(counts.open_tickets, 0) as open_tickets,
    c.created_time as created,
    c.modified_time as modified
from desk.contacts c
left join desk.accounts account on account.id = c.account_id
left join owners on owners.id = c.zoho_crm_contact_id
left join counts on counts.contact_id = c.id
where c.presence not in ('gone', 'trashed')
