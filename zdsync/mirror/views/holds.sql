-- zdsync.holds: one row is one field of an open, live ticket that no rule may change, and why.
-- Used by mirror/holds.py (which narrows `scope`), reports/status.py and analysts.
-- given: assignee, team, department, priority or a tag has a value that somebody else gave, later
-- than 10 minutes after the creation and after the first sight; until the ticket closes, for
-- assignee and team until it moves. reversed: zdsync's own value was replaced, or may have been where
-- a write got no answer and a third value stands.
-- undone: `zdsync undo` put the value back. flipped: more than 3 changes within 24 hours, two of
-- them zdsync's; ends by a release only. An empty value holds nothing (but if undone or flipped).
create or replace view zdsync.holds as
with scope as (
    select id from desk.tickets -- the scope
    where presence = 'live' and status_type is distinct from 'Closed'
),
-- Joins are by equality first: a condition that is none makes a nested loop of an anti join.
released as (
    select ticket_id, lower(field) as field, max(released_at) as at from zdsync.releases group by all
),
people as (
    select id, email_id as said, [id, lower(trim(email_id)),
        lower(coalesce(nullif(trim(name), ''), trim(concat_ws(' ', first_name, last_name))))] as words
    from desk.agents
),
names as (
    select 'assignee_id' as field, id, coalesce(said, words[3], id) as said, words from people
    union all select 'team_id', id, name, [id, lower(trim(name))] from desk.teams
    union all select 'department_id', id, name, [id, lower(trim(name))] from desk.departments
),
-- What was written, or may have been: an intent without a receipt, or of unknown outcome.
intents as (
    select j.ticket_id, lower(j.field) as field, j.field as spelt, j.rule_id, j.before, j.after, j.outcome,
        j.intended_at, coalesce(j.settled_at, j.intended_at) as settled_at
    from zdsync.journal j
    where coalesce(j.outcome, 'unknown') in ('applied', 'unknown') and j.intended_at is not null
        and j.ticket_id in (select id from scope)
        and j.field not in ('comment', 'reply') and j.field not like 'notify:%'
),
written as (
    select * from intents where outcome = 'applied'
),
-- zdsync's last write of each field. Whether one of unknown outcome was made the value may tell.
own as (
    select ticket_id, field, unnest(arg_max({
        'rule_id': rule_id, 'spelt': spelt, 'before': before, 'after': after, 'outcome': outcome,
        'intended_at': intended_at, 'settled_at': settled_at
    }, (settled_at, intended_at))), count(*) filter (outcome = 'applied') as many
    from intents group by ticket_id, field
),
-- -- values that somebody gave ---------------------------------------------------------------
seen as (
    select id, created_time, coalesce(first_seen_at, (select max(value)::timestamp
        from zdsync.options where name = 'tickets_known_from')) as seen_first
    from desk.tickets where id in (select id from scope)
),
-- The rows themselves are fetched once their place is known: only few fields of each fit here.
places as (
    select arg_max(c.rowid, (c.changed_at, c.seq, c.seen_at)) as place
    from zdsync.ticket_changes c
    where c.field <> 'status' and c.ticket_id in (select id from scope)
    group by c.ticket_id, lower(c.field)
),
latest as (
    select c.ticket_id, lower(c.field) as field, case c.field when 'assignee_id' then 'assignee'
            when 'team_id' then 'team' when 'department_id' then 'department' else lower(c.field)
        end as field_name,
        c.after, c.changed_at, c.seen_at, c.actor, c.agent_id, c.source, c.not_before
    from zdsync.ticket_changes c
    where c.rowid in (select place from places) and c.actor <> 'zdsync'
        and lower(coalesce(c.after, '')) not in ('', '-none-')
),
closings as (
    select c.ticket_id, c.after, c.changed_at, c.seen_at, c.actor, c.source, c.not_before
    from zdsync.ticket_changes c
    join zdsync.status_classes a on a.status = c.after and a.is_closed
    left join zdsync.status_classes b on b.status = c.before
    where c.field = 'status' and c.ticket_id in (select id from scope)
        and not coalesce(b.is_closed, false)
),
closed as (
    select ticket_id, max(changed_at) as at from closings group by ticket_id
),
moved as (
    select ticket_id, max(changed_at) as at, max(seen_at) as seen_at
    from zdsync.ticket_changes
    where field = 'department_id' and ticket_id in (select id from scope) group by ticket_id
),
foreign_values as (
    select l.*, n.said, coalesce(n.words, [lower(l.after)]) as words
    from latest l
    join seen t on t.id = l.ticket_id
    left join own o on o.ticket_id = l.ticket_id and o.field = l.field_name
    left join closed c on c.ticket_id = l.ticket_id
    left join moved m on m.ticket_id = l.ticket_id and l.field in ('assignee_id', 'team_id')
    left join names n on n.field = l.field and n.id = l.after
    -- What replaces zdsync's own value needs no age: Zoho's rules had their turn before it.
    where (coalesce(o.settled_at <= l.seen_at, false)
            or (coalesce(l.changed_at >= t.created_time + interval 10 minute, true)
                and (l.source = 'observed' or l.changed_at >= date_trunc('second', t.seen_first))))
        and not coalesce(l.changed_at <= c.at, false)
        and not coalesce(l.changed_at < m.at, false)
),
-- A crash, or an answer that never came, let a pull see zdsync's own value first: nobody's hand.
own_sight as (
    select f.ticket_id, f.field_name from foreign_values f
    join intents i on i.ticket_id = f.ticket_id and i.field = f.field_name
    where f.source = 'observed' and f.actor = 'unknown' and list_contains(f.words, lower(i.after))
        and i.intended_at <= f.seen_at
        and (f.not_before is null or i.settled_at + interval 5 second >= f.not_before)
),
given as (
    select f.ticket_id, f.field_name as field, coalesce(f.said, f.after) as value, f.actor,
        f.agent_id, f.changed_at as held_at, f.seen_at
    from foreign_values f
    anti join own_sight o on o.ticket_id = f.ticket_id and o.field_name = f.field_name
),
own_closings as (
    select c.ticket_id, c.seen_at from closings c
    join intents i on i.ticket_id = c.ticket_id and i.field = 'status'
    where c.source = 'observed' and c.actor = 'unknown' and lower(c.after) = lower(i.after)
        and i.intended_at <= c.seen_at
        and (c.not_before is null or i.settled_at + interval 5 second >= c.not_before)
),
foreign_closings as (
    select c.ticket_id, c.changed_at, c.seen_at from closings c
    anti join own_closings o on o.ticket_id = c.ticket_id and o.seen_at = c.seen_at
    where c.actor <> 'zdsync'
),
-- -- zdsync's own values, and whether they stand ---------------------------------------------
standing as (
    select o.*, t.pulled_at, t.tags_read_at, t.status_type, a.words as agent_words,
        case
            when o.field = 'assignee' then coalesce(a.said, t.assignee_id)
            when o.field = 'team' then coalesce(m.said, t.team_id)
            when o.field = 'department' then coalesce(d.said, t.department_id)
            when o.field = 'status' then t.status
            when o.field = 'priority' then t.priority
            when o.field = 'category' then t.category
            when o.field = 'sub_category' then t.sub_category
            when o.field = 'classification' then t.classification
            when o.field = 'channel' then t.channel
            when o.field = 'language' then t.language
            when o.field = 'resolution' then t.resolution
            when o.field = 'due' then strftime(t.due_date, '%Y-%m-%d %H:%M:%S')
            when o.field = 'spam' then case when t.is_spam then 'true' else 'false' end
            when o.field like 'tag:%' then case when g.ticket_id is null then 'false' else 'true' end
            when o.field like 'cf.%'
                then json_extract_string(t.cf, '$."' || substr(o.spelt, 4) || '"')
        end as value
    from own o
    join desk.tickets t on t.id = o.ticket_id
    left join names a on a.field = 'assignee_id' and a.id = t.assignee_id
    left join names m on m.field = 'team_id' and m.id = t.team_id
    left join names d on d.field = 'department_id' and d.id = t.department_id
    left join (
        select ticket_id, lower('tag:' || tag) as tag from desk.ticket_tags
        where ticket_id in (select ticket_id from own)
    ) g on g.ticket_id = o.ticket_id and g.tag = o.field
),
stands as (
    select *, coalesce(lower(value), '') in ('', '-none-') as is_empty,
        coalesce(lower(after), '') in ('', '-none-') as was_empty,
        -- Told by a reading after the write; what the write itself answered is no other's hand.
        coalesce(case when field like 'tag:%' then tags_read_at else pulled_at end > settled_at,
            false) as is_told
    from standing
),
-- Whether the value is the one that zdsync wrote, and whether the one that it found.
compared as (
    select *, list_transform([after, before], lambda given: coalesce(trim(value) = trim(given)
            or (field = 'assignee' and list_contains(agent_words, lower(given)))
            or (field in ('team', 'department', 'spam') and lower(value) = lower(given))
            or (try_cast(value as double) = try_cast(given as double)
                and contains(value || given, '.'))
            or (given like 'sha256:%' and given = 'sha256:' || sha256(value)), false)) as alike
    from stands
),
fallen as (
    select *, not is_told or (is_empty and was_empty) or alike[1] as holds,
        outcome = 'applied' or not alike[2] as was_made
    from compared
),
-- Until it closes by another hand; one that was closed to overrule zdsync stays so.
ended as (
    select s.ticket_id, s.field from fallen s
    left join closed c on c.ticket_id = s.ticket_id and s.field <> 'status'
    left join moved m on m.ticket_id = s.ticket_id and s.field in ('assignee', 'team')
    where coalesce(c.at > s.settled_at, false) or coalesce(m.seen_at > s.settled_at, false)
    union
    select s.ticket_id, s.field from fallen s
    join foreign_closings f on f.ticket_id = s.ticket_id and s.field = 'status'
        and s.status_type is distinct from 'Closed' and f.seen_at > s.settled_at
        and f.changed_at >= s.intended_at - interval 5 second
),
reversed as (
    select s.ticket_id, s.field, s.value, case when s.is_undone then 'undone' else 'reversed'
        end as reason, s.settled_at as held_at
    from (select *, rule_id = 'undo' and (outcome = 'applied' or alike[1]) as is_undone from fallen) s
    anti join ended e on e.ticket_id = s.ticket_id and e.field = s.field
    -- What nobody saw change between two readings was replaced all the same.
    left join given g on g.ticket_id = s.ticket_id and g.field = s.field
    where case when s.is_undone then not s.is_empty or s.was_empty
        else not s.holds and s.was_made and not s.is_empty and g.field is null end
),
-- -- loops -----------------------------------------------------------------------------------
fresh as (
    select w.ticket_id, w.field, w.rule_id, w.before, w.after, w.intended_at, w.settled_at
    from written w
    join own o on o.ticket_id = w.ticket_id and o.field = w.field and o.many > 1
    left join released a on a.ticket_id = w.ticket_id and a.field = ''
    left join released r on r.ticket_id = w.ticket_id and r.field = w.field
    where not coalesce(w.settled_at <= greatest(a.at, r.at), false)
),
-- Between two writes somebody else's hand shows where the later found another value than was left.
flips as (
    select ticket_id, field, settled_at as happened, case when rule_id = 'undo' then 0 else 1 end as own
    from fresh
    union all
    select ticket_id, field, intended_at, 0 from (
        select *, lag(after) over w as left_at, row_number() over w as place from fresh
        window w as (partition by ticket_id, field order by settled_at, intended_at)
    ) where place > 1 and lower(coalesce(before, '')) is distinct from lower(coalesce(left_at, ''))
    union all
    select f.ticket_id, f.field, coalesce(min(c.changed_at), any_value(f.settled_at)), 0
    from fallen f
    left join (
        select ticket_id, seen_at, changed_at, case field when 'assignee_id' then 'assignee'
            when 'team_id' then 'team' when 'department_id' then 'department' else lower(field)
            end as field
        from zdsync.ticket_changes
        where actor <> 'zdsync' and ticket_id in (select ticket_id from own where many > 1)
    ) c on c.ticket_id = f.ticket_id and c.field = f.field and c.seen_at > f.settled_at
    where not f.holds and f.many > 1
        and (f.ticket_id, f.field) in (select (ticket_id, field) from fresh)
    group by f.ticket_id, f.field
),
counted as (
    select *, count(*) over one_day as many, sum(own) over one_day as ours from flips
    window one_day as (partition by ticket_id, field order by happened
        range between interval 24 hour preceding and current row)
),
flipped as (
    select ticket_id, field, min(happened) as held_at from counted where many > 3 and ours > 1
    group by ticket_id, field
),
-- -- all of them -----------------------------------------------------------------------------
special as (
    select ticket_id, field, cast(null as varchar) as value, 'flipped' as reason, held_at,
        cast(null as timestamp) as seen_at
    from flipped
    union all
    select r.ticket_id, r.field, r.value, r.reason, r.held_at, r.held_at
    from reversed r anti join flipped f on f.ticket_id = r.ticket_id and f.field = r.field
),
every as (
    select ticket_id, field, value, reason, cast(null as varchar) as actor,
        cast(null as varchar) as agent_id, held_at, seen_at
    from special
    union all
    select g.ticket_id, g.field, g.value, 'given', g.actor, g.agent_id, g.held_at, g.seen_at
    from given g anti join special s on s.ticket_id = g.ticket_id and s.field = g.field
)
select e.ticket_id, e.field, e.value, e.reason, e.actor, e.agent_id, e.held_at
from every e
left join released a on a.ticket_id = e.ticket_id and a.field = ''
left join released r on r.ticket_id = e.ticket_id and r.field = e.field
where not coalesce(e.seen_at <= greatest(a.at, r.at), false)
