-- tickets: one row is one ticket that is not gone. For people, `zdsync sql` and the reports.
create or replace view main.tickets as
select
    r.ticket_id as id,
    r.ticket_number as number,
    r.subject,
    r.status,
    r.status_type,
    r.priority,
    r.channel,
    r.department,
    coalesce(nullif(trim(a.name), ''), nullif(trim(concat_ws(' ', a.first_name, a.last_name)), ''),
        r.assignee) as agent,
    r.assignee as agent_email,
    r.team,
    r.contact_name as contact,
    coalesce(r.contact_email, r.email) as contact_email,
    r.account_name as account,
    r.account_sla_tier as sla_tier,
    r.contact_owner as owner,
    r.tags,
    r.created,
    r.modified,
    r.closed,
    r.due,
    r.customer_replied,
    round(date_diff('second', r.created, coalesce(
        case when r.status_type = 'Closed' then r.closed end, mirror.as_of)) / 3600.0, 2) as age_hours,
    r.presence = 'live' and coalesce(r.status_type, '') <> 'Closed' as is_open,
    r.presence = 'live' and r.is_overdue as is_overdue,
    json_extract_string(r.cf, (
        select max(value) from zdsync.options where name = 'outcome_path')) as outcome,
    r.presence,
    t.status_since,
    t.assigned_since,
    r.category,
    r.language,
    r.touched
from zdsync.rule_tickets r
join desk.tickets t on t.id = r.ticket_id
cross join zdsync.as_of mirror
left join desk.agents a on a.id = r.assignee_id
where r.presence not in ('gone', 'trashed')
