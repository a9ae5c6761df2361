-- One row is: the tickets of one department that were open at as_of and lie in one age bucket:
--   0 under a day, 1 under three days, 2 under a week, 3 under 30 days, 4 under 90, 5 older.
-- Parameters: as_of (naive UTC).
-- Used by: reports/ground.py. Definitions: workload.sql, decisions 1 and 2. A ticket whose time
--   of creation is unknown is in no bucket.
with asked as (
    select cast(? as timestamp) as as_of
)
select
    t.department,
    case
        when t.created > a.as_of - interval 1 day then 0
        when t.created > a.as_of - interval 3 day then 1
        when t.created > a.as_of - interval 7 day then 2
        when t.created > a.as_of - interval 30 day then 3
        when t.created > a.as_of - interval 90 day then 4
        else 5
    end as bucket,
    count(*) as tickets
from main.tickets as t
cross join asked as a
where
    t.created < a.as_of
    and t.presence in ('live', 'archived')
    and case
        when t.status_type = 'Closed' then t.closed >= a.as_of
        else t.presence = 'live'
    end
group by all
order by all
