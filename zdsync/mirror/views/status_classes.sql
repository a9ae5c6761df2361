-- zdsync.status_classes: one row is one status of tickets: whether it closes. What tickets show of
-- their class goes before what the portal's fields say.
-- Used by views/ticket_closers.sql and views/backlog_daily.sql.
create or replace view zdsync.status_classes as
select status, max(class) = 'Closed' as is_closed from (
    select status, class from zdsync.statuses
    where status not in (select status from desk.tickets where status_type is not null)
    union all
    select status, any_value(status_type) from desk.tickets
    where status_type is not null and status is not null group by status
) group by status
