-- One row is one decision of a rule with what people did: number, outcome, the value that stands
-- for it, when. Used by backtest/outcomes.py. Parameters: $1 the decisions as JSON: number, ticket,
-- field (a column of desk.tickets, tag:NAME or spam), the moment, the values that would agree;
-- $2 the end of the period (UTC).
-- People's decision is the first value that an agent gave the field after the moment, within 7 days
-- and not after the ticket was closed; else the one that an agent had given and that still stood.
with decision as (
    select n, ticket_id, field, moment, agree from (select unnest(from_json($1, '[{
        "n": "BIGINT", "ticket_id": "VARCHAR", "field": "VARCHAR", "moment": "TIMESTAMP",
        "agree": ["VARCHAR"]
    }]'), recursive := true))
),
closing as (
    select d.n, min(c.changed_at) as moment
    from decision d
    join zdsync.ticket_changes c
        on c.ticket_id = d.ticket_id and c.field = 'status' and c.changed_at > d.moment
    join past_classes k on k.status = c.after and k.kind = 'Closed'
    group by d.n
),
spanned as (
    select d.*, least(d.moment + interval 7 day, coalesce(c.moment, timestamp 'infinity')) as ends
    from decision d left join closing c on c.n = d.n
),
deed as (
    select d.n,
        arg_min([c.after], (c.changed_at, c.seq)) filter (c.actor = 'agent' and later) as person,
        min(c.changed_at) filter (c.actor = 'agent' and later) as person_at,
        min(c.changed_at) filter (c.actor = 'unknown' and later) as stranger_at,
        arg_min([c.after], (c.changed_at, c.seq)) filter (c.actor = 'automation' and later)
            as machine,
        min(c.changed_at) filter (c.actor = 'automation' and later) as machine_at,
        min(c.changed_at) filter (c.actor = 'zdsync' and later) as own_at,
        arg_max(c.actor, (c.changed_at, c.seq)) filter (not later) as stood_by,
        arg_max([c.after], (c.changed_at, c.seq)) filter (not later) as stood
    from (
        select s.n, c.*, c.changed_at > s.moment as later from spanned s
        join zdsync.ticket_changes c
            on c.ticket_id = s.ticket_id and lower(c.field) = s.field
        where c.changed_at <= s.ends
    ) c join decision d on d.n = c.n
    group by d.n
),
handled as (
    select s.n, min(c.changed_at) as moment from spanned s
    join zdsync.ticket_changes c on c.ticket_id = s.ticket_id and c.actor = 'agent'
    where s.field = 'spam' and c.changed_at > s.moment and c.changed_at <= s.ends
    group by s.n
),
marked as (
    select distinct ticket_id from zdsync.journal
    where field = 'spam' and coalesce(outcome, 'unknown') in ('applied', 'unknown')
)
select s.n,
    case
        when s.field = 'spam' then case
            when p.presence = 'spam' and marked.ticket_id is not null then 'zdsync'
            when p.presence = 'spam' then 'agreed'
            when handled.n is not null then 'differed'
            when s.ends > $2::timestamp then 'young'
            else 'nothing' end
        when d.stranger_at <= coalesce(d.person_at, timestamp 'infinity') then 'who'
        when d.person is not null then case
            when list_contains(s.agree, coalesce(nullif(d.person[1], '-None-'), '')) then 'agreed'
            else 'differed' end
        when d.stood_by = 'agent' then 'differed'
        when d.stood_by = 'unknown' then 'who'
        when d.machine is not null then 'automation'
        when d.own_at is not null then 'zdsync'
        when s.ends > $2::timestamp then 'young'
        else 'nothing'
    end as outcome,
    case when s.field = 'spam' then null
        when d.person is not null then d.person[1]
        when d.stood_by = 'agent' then d.stood[1]
        when d.machine is not null then d.machine[1] end as value,
    case when s.field = 'spam' then handled.moment
        else coalesce(d.person_at, d.machine_at) end as value_at
from spanned s
join past_tickets p on p.ticket_id = s.ticket_id
left join deed d on d.n = s.n
left join handled on handled.n = s.n
left join marked on marked.ticket_id = s.ticket_id
order by s.n
