-- One row is one matched ticket whose tags at that moment are known, with them (folded). Used by
-- backtest/outcomes.py, after past_first. No parameters.
-- A tag was there if the next change of it found it, or if nothing changed and it is there today.
-- Known are the tags of tickets whose History was read back to their creation, and whose tags were
-- read since that moment.
with asked as (
    select f.ticket_id, f.moment, t.tags_read_at from past_first f
    join past_tickets p on p.ticket_id = f.ticket_id and p.is_read
    join desk.tickets t on t.id = f.ticket_id and t.tags_read_at >= f.moment
    where f.kind <> 'before'
),
today as (
    select a.ticket_id, lower(g.tag) as tag
    from asked a join desk.ticket_tags g on g.ticket_id = a.ticket_id
),
next_change as (
    select a.ticket_id, lower(substr(c.field, 5)) as tag,
        arg_min(c.before, (c.changed_at, c.seq)) = 'true' as was
    from asked a join zdsync.ticket_changes c on c.ticket_id = a.ticket_id
    where c.field like 'tag:%' and c.changed_at > a.moment
    group by all
),
then_there as (
    select ticket_id, tag from next_change where was
    union
    select d.ticket_id, d.tag from today d
    left join next_change n on n.ticket_id = d.ticket_id and n.tag = d.tag
    where n.tag is null
)
select a.ticket_id, coalesce(list(h.tag) filter (h.tag is not null), []::varchar[])
from asked a left join then_there h on h.ticket_id = a.ticket_id
group by a.ticket_id
