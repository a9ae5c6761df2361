-- past_states: one row is one ticket at one moment of the period, as it stood until the next.
-- Used by backtest/ground.py, after spans.sql and tag_spans.sql. Parameters: $1 start of the period, $2 its end (UTC).
-- Kinds: `birth` (settled after its creation), `change`, and `before`: how it stood when the period,
-- or the mirror's knowledge of it, began. A rule that matches there matched at an unknown moment.
create or replace temp table past_states as
with stage as (
    select ticket_id, greatest(settled, $1::timestamp) as moment,
        case when from_birth and settled >= $1::timestamp then 'birth' else 'before' end as kind
    from past_tickets where greatest(settled, $1::timestamp) < $2::timestamp
    union
    select s.ticket_id, s.moment, 'change'
    from past_spans s join past_tickets p on p.ticket_id = s.ticket_id
    where s.moment > greatest(p.settled, $1::timestamp) and s.moment < $2::timestamp
    union
    select s.ticket_id, s.from_at, 'change'
    from past_tag_spans s join past_tickets p on p.ticket_id = s.ticket_id
    where s.from_at > greatest(p.settled, $1::timestamp) and s.from_at < $2::timestamp
),
timed as (
    select ticket_id, moment, kind,
        coalesce(lead(moment) over (partition by ticket_id order by moment), $2::timestamp) as until_at
    from stage
),
tagged as (
    select m.ticket_id, m.moment, list(s.name order by s.name) filter (s.there) as tags,
        bool_and(s.sure) as sure
    from timed m
    join past_tag_spans s
        on s.ticket_id = m.ticket_id and s.from_at <= m.moment and m.moment < s.until_at
    group by m.ticket_id, m.moment
)
select m.ticket_id, m.moment, m.until_at, m.kind,
    st.value as status, class.kind as status_type,
    pr.value as priority,
    de.value as department_id, d.name as department,
    ag.value as assignee_id, a.email_id as assignee,
    te.value as team_id, g.name as team,
    st.since as status_since, ag.since as assigned_since,
    st.known as k_status, pr.known as k_priority, de.known as k_department,
    ag.known as k_assignee, te.known as k_team,
    st.known and st.since is not null as k_status_since,
    ag.known and ag.since is not null as k_assigned_since,
    coalesce(tg.tags, []::varchar[]) as tags,
    p.is_read and coalesce(p.tags_read_at >= m.moment, false) and coalesce(tg.sure, true) as k_tags
from timed m
join past_tickets p on p.ticket_id = m.ticket_id
left join tagged tg on tg.ticket_id = m.ticket_id and tg.moment = m.moment
asof join (from past_spans where field = 'status') st
    on st.ticket_id = m.ticket_id and m.moment >= st.moment
asof join (from past_spans where field = 'priority') pr
    on pr.ticket_id = m.ticket_id and m.moment >= pr.moment
asof join (from past_spans where field = 'department_id') de
    on de.ticket_id = m.ticket_id and m.moment >= de.moment
asof join (from past_spans where field = 'assignee_id') ag
    on ag.ticket_id = m.ticket_id and m.moment >= ag.moment
asof join (from past_spans where field = 'team_id') te
    on te.ticket_id = m.ticket_id and m.moment >= te.moment
left join past_classes class on class.status = st.value
left join desk.departments d on d.id = de.value
left join desk.agents a on a.id = ag.value
left join desk.teams g on g.id = te.value
