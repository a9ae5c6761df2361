-- accounts: one row is one Desk account that is not gone.
create or replace view main.accounts as
with setting as (
    select max(value) filter (name = 'sla_tier_path') as sla_tier_path from zdsync.options
),
counts as (
    select account, count(*) as tickets, count(*) filter (is_open) as open_tickets
    from (
        select coalesce(t.account_id, c.account_id) as account,
            o.id is not null as is_open
        from desk.tickets t
        left join zdsync.open_tickets o on o.id = t.id
        left join desk.contacts c on c.id = t.contact_id
        where t.presence in ('live', 'archived')
    ) group by account
)
select
    a.id,
    a.account_name as name,
    a.website,
    a.email,
    a.phone,
    a.industry,
    a.country,
    coalesce(json_extract_string(crm.cf, setting.sla_tier_path),
        json_extract_string(crm.extra, setting.sla_tier_path)) as sla_tier,
    coalesce(nullif(usr.email, ''), crm.owner_email) as owner,
    a.zoho_crm_account_id as crm_id,
    coalesce(counts.tickets, 0) as tickets,
    coalesce(counts.open_tickets, 0) as open_tickets,
    a.created_time as created,
    a.modified_time as modified
from desk.accounts a
cross join setting
left join crm.accounts crm on crm.id = a.zoho_crm_account_id and crm.deleted_at is null
left join crm.users usr on usr.id = crm.owner_id
left join counts on counts.account = a.id
where a.presence not in ('gone', 'trashed')
