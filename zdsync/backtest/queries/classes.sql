-- past_classes: one row is one status with its class (Open, On Hold, Closed), as tickets show it,
-- else as the portal's metadata says. Used by moments.sql and outcomes.sql. No parameters.
create or replace temp table past_classes as
select status, max(kind) as kind from (
    select status, class as kind from zdsync.statuses
    where status not in (select status from desk.tickets where status_type is not null)
    union all
    select status, any_value(status_type) from desk.tickets
    where status_type is not null and status is not null group by status
) group by status
