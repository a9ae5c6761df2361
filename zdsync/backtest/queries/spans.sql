-- past_spans: one row is one value of one kept field of one ticket, from `moment` until the next row.
-- Used by backtest/ground.py, after tickets.sql. No parameters.
-- A value is known where the changes chain: it is what the next change found, or what stands today.
create or replace temp table past_spans as
with change as (
    select c.ticket_id, c.field, c.changed_at as moment,
        arg_min([c.before], (c.seq, c.seen_at)) as before,
        arg_max([c.after], (c.seq, c.seen_at)) as after
    from zdsync.ticket_changes c join past_tickets p on p.ticket_id = c.ticket_id
    where c.field in ('status', 'assignee_id', 'team_id', 'priority', 'department_id')
    group by c.ticket_id, c.field, c.changed_at
),
today as (
    select t.id as ticket_id, unnest([
        {'field': 'status', 'value': t.status},
        {'field': 'assignee_id', 'value': t.assignee_id},
        {'field': 'team_id', 'value': t.team_id},
        {'field': 'priority', 'value': t.priority},
        {'field': 'department_id', 'value': t.department_id}
    ], recursive := true)
    from desk.tickets t join past_tickets p on p.ticket_id = t.id
),
step as (
    select ticket_id, field, moment, before, after, lead(before) over w as found,
        row_number() over w as place
    from change window w as (partition by ticket_id, field order by moment)
)
select s.ticket_id, s.field, s.moment, s.after[1] as value,
    s.after[1] is not distinct from case when s.found is null then t.value else s.found[1] end
        as known,
    s.moment as since
from step s join today t on t.ticket_id = s.ticket_id and t.field = s.field
union all
select t.ticket_id, t.field, timestamp '1900-01-01',
    case when s.ticket_id is null then t.value else s.before[1] end,
    not list_contains(p.torn, t.field),
    case when p.from_birth then p.created end
from today t
join past_tickets p on p.ticket_id = t.ticket_id
left join step s on s.ticket_id = t.ticket_id and s.field = t.field and s.place = 1
