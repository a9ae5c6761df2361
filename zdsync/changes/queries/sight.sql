-- One row is one ticket that a plan would write, as the mirror holds it: when it was modified, its
-- tags (null: not read since it moved), and when zdsync last wrote to it.
-- $1: ids as one JSON list of texts. Used by changes/sight.py.
with asked as (select unnest(from_json($1, '["VARCHAR"]')) as id),
tagged as (
    select ticket_id, list(tag order by tag) as tags
    from desk.ticket_tags
    where ticket_id in (select id from asked)
    group by ticket_id
),
wrote as (
    select ticket_id, max(coalesce(settled_at, intended_at)) as wrote_at
    from zdsync.journal
    where coalesce(outcome, 'unknown') in ('applied', 'unknown')
        and ticket_id in (select id from asked)
    group by ticket_id
)
select t.id, t.modified_time,
    case when t.tags_read_at is not null
            and coalesce(t.tags_row = t.modified_time, t.tags_read_at >= t.modified_time, true)
        then coalesce(g.tags, []::varchar[]) end,
    w.wrote_at
from desk.tickets t
left join tagged g on g.ticket_id = t.id
left join wrote w on w.ticket_id = t.id
where t.id in (select id from asked)
