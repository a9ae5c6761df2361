-- One row is: a UTC day that the period touches, with the tickets opened and closed on that day
--   within the period. Days without a ticket are there with zeros.
-- Parameters: as_of, since (naive UTC).
-- Used by: reports/ground.py. Definitions: workload.sql, decisions 1, 4, 5 and 7.
with asked as (
    select cast(? as timestamp) as as_of, cast(? as timestamp) as since
),
days as (
    select unnest(generate_series(
        date_trunc('day', since), as_of - interval 1 microsecond, interval 1 day
    )) as day
    from asked
),
-- The view is wide: it is read once.
ticket as materialized (
    select created, case when status_type = 'Closed' then closed end as closed
    from main.tickets
    where presence in ('live', 'archived')
),
moved as (
    select created as moment, 1 as opened, 0 as closed from ticket
    union all
    select closed, 0, 1 from ticket
),
counted as (
    select
        cast(date_trunc('day', m.moment) as timestamp) as day,
        sum(m.opened) as opened,
        sum(m.closed) as closed
    from moved as m, asked as a
    where m.moment >= a.since and m.moment < a.as_of
    group by all
)
select
    d.day,
    cast(coalesce(c.opened, 0) as bigint) as opened,
    cast(coalesce(c.closed, 0) as bigint) as closed
from days as d
left join counted as c on c.day = d.day
order by d.day
