-- past_tag_spans: one row is one tag that a ticket had or had not, from `from_at` until `until_at`.
-- Used by moments.sql, after tickets.sql. Parameters: $1 whether a rule reads tags; else it is empty.
-- A tag was there if the next change of it found it; after the last one, if that one gave it.
-- `sure`: the changes chain to one another, and to the tags as they were read since. Only of tickets
-- whose History was read back to their creation, and whose tags were read.
create or replace temp table past_tag_spans as
with whole as (
    select ticket_id, tags_read_at from past_tickets
    where $1::boolean and is_read and tags_read_at is not null
),
change as (
    select w.ticket_id, lower(substr(c.field, 5)) as tag, any_value(substr(c.field, 5)) as name,
        c.changed_at as moment,
        arg_min(c.before, (c.seq, c.seen_at)) = 'true' as before,
        arg_max(c.after, (c.seq, c.seen_at)) = 'true' as after
    from whole w join zdsync.ticket_changes c on c.ticket_id = w.ticket_id
    where c.field like 'tag:%'
    group by all
),
today as (
    select w.ticket_id, lower(g.tag) as tag, any_value(g.tag) as name
    from whole w join desk.ticket_tags g on g.ticket_id = w.ticket_id group by all
),
step as (
    select *, lead(moment) over w as next_at, lead(before) over w as found,
        row_number() over w as place
    from change window w as (partition by ticket_id, tag order by moment)
)
select s.ticket_id, coalesce(t.name, s.name) as name, s.moment as from_at,
    coalesce(s.next_at, timestamp 'infinity') as until_at,
    coalesce(s.found, s.after) as there,
    s.after = coalesce(s.found,
        case when s.moment > w.tags_read_at then s.after else t.tag is not null end) as sure
from step s
join whole w on w.ticket_id = s.ticket_id
left join today t on t.ticket_id = s.ticket_id and t.tag = s.tag
union all
select ticket_id, name, timestamp '1900-01-01', moment, before, true from step where place = 1
union all
select t.ticket_id, t.name, timestamp '1900-01-01', timestamp 'infinity', true, true
from today t anti join step s on s.ticket_id = t.ticket_id and s.tag = t.tag
