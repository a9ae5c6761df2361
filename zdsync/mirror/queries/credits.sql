-- One row is: what one system cost since an instant, and those who bring credits of their own:
-- Desk agents that are active and not light (desk-tickets.md 1), CRM users that are active.
-- Parameters: system ('desk' or 'crm'), since (timestamp, UTC). Used by: the account of credits.
with asked as (select cast($1 as varchar) as system, cast($2 as timestamp) as since)
select
    (select coalesce(sum(c.credits), 0) from zdsync.calls c
     where c.system = asked.system and c.called_at >= asked.since) as spent,
    case asked.system
        when 'desk' then (
            select count(*) from desk.agents a
            where a.deleted_at is null and upper(coalesce(a.status, '')) = 'ACTIVE'
              and upper(coalesce(a.role_permission_type, '')) not like '%LIGHT%')
        else (
            select count(*) from crm.users u
            where u.deleted_at is null and lower(coalesce(u.status, '')) = 'active')
    end as people
from asked
