-- main.backlog_daily: one row is one UTC day and department, from the department's first ticket to
-- the day of as_of. For people and reports.
--
-- Decisions:
-- 1. Tickets are those of the workload report: live or archived now. On Hold is open. A ticket
--    without a time of creation is out.
-- 2. A ticket is what zdsync.ticket_changes says it was; before its first known change it was what
--    that change found, and since its creation open. One that was closed when first seen closed at
--    its closed time; if that is gone (it was opened again since), at its creation.
-- 3. An observed closing happened at the closed time where that lies inside what is known of it.
-- 4. Before all tickets were first read (zdsync.options, tickets_known_from) nobody saw what was
--    closed, opened again or assigned: NULL. `opened` counts the tickets that were still there.
-- 5. `unsure` counts changes that may belong to a neighbouring day (observed, not told by History);
--    they count on the latest day possible.
-- 6. Most tickets never move between departments, are closed once and given to somebody once: for
--    them sums suffice (`plain`). The others are played through (`step`), which costs ten times as much.
create or replace view main.backlog_daily as
with setting as (
    select cast(max(value) filter (name = 'tickets_known_from') as timestamp) as since
    from zdsync.options
),
classes as (
    select status, is_closed from zdsync.status_classes
),
ticket as materialized (
    select t.rowid as key, t.id, t.created_time as created, t.closed_time as closed,
        coalesce(t.department_id, '') as department_id, coalesce(t.assignee_id, '') = '' as is_free,
        coalesce(t.status_type = 'Closed', c.is_closed, false) as is_closed
    from desk.tickets t left join classes c on c.status = t.status
    where t.presence in ('live', 'archived') and t.created_time is not null
),
-- Changes that count: open or closed, with or without an agent, the department.
counting as (
    select c.*, coalesce(b.is_closed, false) as was_closed, coalesce(a.is_closed, false) as is_closed
    from zdsync.ticket_changes c
    left join classes b on b.status = c.before
    left join classes a on a.status = c.after
    where c.field in ('status', 'assignee_id', 'department_id') and case c.field
        when 'status' then coalesce(b.is_closed, false) <> coalesce(a.is_closed, false)
        when 'assignee_id' then coalesce(c.before, '') = '' or coalesce(c.after, '') = ''
        else true end
),
change as materialized (
    select t.key, c.field, c.seq, c.seen_at, coalesce(c.before, '') as before,
        coalesce(c.after, '') as after, c.was_closed, c.is_closed,
        case when c.source = 'observed' and c.field = 'status' and c.is_closed
                and t.closed between c.not_before and c.changed_at
            then t.closed else greatest(c.changed_at, t.created) end as happened,
        case when c.source = 'observed' then coalesce(c.not_before, c.changed_at) end as low
    from counting c join ticket t on t.id = c.ticket_id
),
summary as (
    select key,
        count(*) filter (field = 'department_id') > 0
            or count(*) filter (field = 'status') > 1
            or count(*) filter (field = 'assignee_id') > 1
            or coalesce(bool_or(was_closed) filter (field = 'status'), false) as moved,
        max(happened) filter (field = 'status') as closed,
        max(low) filter (field = 'status') as closed_low,
        max(happened) filter (field = 'assignee_id') as freed,
        max(low) filter (field = 'assignee_id') as freed_low,
        bool_or(before = '') filter (field = 'assignee_id') as was_free
    from change group by key
),
plain as materialized (
    select t.created, t.department_id, t.is_free, coalesce(s.was_free, t.is_free) as was_free,
        case when s.closed is not null then s.closed
            when t.is_closed then coalesce(t.closed, t.created) end as closed,
        t.is_closed and s.closed is null and t.closed is null as untimed,
        s.closed_low, s.freed, s.freed_low
    from ticket t left join summary s on s.key = t.key where s.moved is not true
),
-- What a ticket was before the first change that is known.
origin as (
    select c.key,
        arg_min(c.was_closed, (happened, seq, seen_at)) filter (field = 'status') as was_closed,
        arg_min(c.before, (happened, seq, seen_at)) filter (field = 'department_id')
            as department_id,
        arg_min(c.before = '', (happened, seq, seen_at)) filter (field = 'assignee_id') as was_free
    from change c join summary s on s.key = c.key and s.moved group by c.key
),
moment as (
    select t.key, t.created as happened, 0 as place, 0 as seq, t.created as seen_at,
        true as is_open, coalesce(o.department_id, t.department_id) as department_id,
        coalesce(o.was_free, t.is_free) as is_free, cast(null as timestamp) as low
    from ticket t join origin o on o.key = t.key
    union all
    select t.key, case when o.was_closed is null then coalesce(t.closed, t.created)
            else t.created end, 1, 0, t.created, false, null, null, null
    from ticket t join origin o on o.key = t.key where coalesce(o.was_closed, t.is_closed)
    union all
    select c.key, happened, 2, seq, seen_at,
        case when field = 'status' then not c.is_closed end,
        case when field = 'department_id' then after end,
        case when field = 'assignee_id' then after = '' end,
        low
    from change c join origin o on o.key = c.key
),
state as (
    select key, happened, place, seq, seen_at, low,
        last_value(is_open ignore nulls) over upto as is_open,
        last_value(department_id ignore nulls) over upto as department_id,
        last_value(is_free ignore nulls) over upto as is_free
    from moment
    window upto as (partition by key order by happened, place, seq, seen_at
        rows between unbounded preceding and current row)
),
step as materialized (
    select *,
        coalesce(lag(is_open) over w, false) as was_open,
        lag(department_id) over w as old_department_id,
        coalesce(lag(is_free) over w, false) as was_free
    from state
    window w as (partition by key order by happened, place, seq, seen_at)
),
places as (
    select distinct key, department_id from step
),
delta as (
    select created as happened, department_id, 1 as opened, 0 as closed, 0 as reopened, 1 as open,
        cast(was_free as integer) as unassigned, 0 as unsure
    from plain
    union all
    select closed, department_id, 0, cast(not untimed as integer), 0, -1,
        -cast(case when freed > closed then was_free else is_free end as integer),
        cast(untimed as integer)
    from plain where closed is not null
    union all
    select freed, department_id, 0, 0, 0, 0, cast(is_free as integer) - cast(was_free as integer), 0
    from plain where freed is not null and (closed is null or freed <= closed)
    union all
    select unnest(generate_series(date_trunc('day', closed_low), closed, interval 1 day)),
        department_id, 0, 0, 0, 0, 0, 1
    from plain where closed_low < date_trunc('day', closed)
    union all
    select unnest(generate_series(date_trunc('day', freed_low), freed, interval 1 day)),
        department_id, 0, 0, 0, 0, 0, 1
    from plain
    where freed_low < date_trunc('day', freed) and (closed is null or freed_low <= closed)
    union all
    select happened, department_id, cast(place = 0 as integer),
        cast(was_open and not is_open as integer),
        cast(place > 0 and not was_open and is_open as integer), cast(is_open as integer),
        cast(is_open and is_free as integer), 0
    from step
    union all
    select happened, old_department_id, 0, 0, 0, -1, -cast(was_free as integer), 0
    from step where was_open
    union all
    select unnest(generate_series(date_trunc('day', s.low), s.happened, interval 1 day)),
        p.department_id, 0, 0, 0, 0, 0, 1
    from step s join places p on p.key = s.key
    where s.low < date_trunc('day', s.happened)
),
daily as (
    select date_trunc('day', happened) as day, department_id,
        sum(opened) as opened, sum(closed) as closed, sum(reopened) as reopened,
        sum(open) as open, sum(unassigned) as unassigned, sum(unsure) as unsure
    from delta group by 1, 2
),
grid as (
    select unnest(generate_series(min(day), any_value(date_trunc('day', a.as_of)),
        interval 1 day)) as day, department_id
    from daily cross join zdsync.as_of a group by department_id
),
summed as (
    select g.day, g.department_id, coalesce(d.opened, 0) as opened,
        coalesce(d.closed, 0) as closed, coalesce(d.reopened, 0) as reopened,
        sum(coalesce(d.open, 0)) over w as open,
        sum(coalesce(d.unassigned, 0)) over w as unassigned,
        coalesce(d.unsure, 0) as unsure
    from grid g
    left join daily d on d.day = g.day and d.department_id is not distinct from g.department_id
    window w as (partition by g.department_id order by g.day)
)
select
    cast(s.day as date) as day,
    nullif(s.department_id, '') as department_id,
    p.name as department,
    cast(s.opened as bigint) as opened,
    cast(case when s.day >= k.since then s.closed end as bigint) as closed,
    cast(case when s.day >= k.since then s.reopened end as bigint) as reopened,
    cast(case when s.day + interval 1 day >= k.since then s.open end as bigint) as open,
    cast(case when s.day + interval 1 day >= k.since then s.unassigned end as bigint)
        as unassigned,
    cast(s.unsure as bigint) as unsure,
    coalesce(s.day >= k.since and s.unsure = 0, false) as known
from summed s
cross join setting k
left join desk.departments p on p.id = s.department_id
