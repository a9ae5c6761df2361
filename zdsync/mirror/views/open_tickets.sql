-- zdsync.open_tickets: one row is one live ticket whose class is not Closed. For counts per agent,
-- contact and account.
create or replace view zdsync.open_tickets as
select t.id, t.contact_id, t.account_id, t.assignee_id, t.created_time
from desk.tickets t
left join zdsync.statuses s on s.status = t.status
where t.presence = 'live' and coalesce(t.status_type, s.class, '') <> 'Closed'
