-- One row is one write since an instant: whether it was done unattended, and whether it is charged
-- to its rule. What a person agreed to is not: tickets of an accepted backlog, and whatever the
-- rule did before the person agreed. A run that the mirror does not know counts as unattended.
-- $1: the instant, a naive UTC timestamp. Used by changes/pauses.py.
with written as (
    select j.rule_id, j.ticket_id, j.field, j.after, j.intended_at,
        coalesce(r.command, 'run') = 'run' as unattended
    from zdsync.journal j
    left join zdsync.runs r on r.run_id = j.run_id
    where j.outcome in ('applied', 'unknown')
        and coalesce(j.settled_at, j.intended_at) > cast($1 as timestamp)
),
agreed as (
    select rule_id, max(ended_at) as at
    from zdsync.pauses
    where ended_by in ('applied', 'resumed')
    group by rule_id
)
select w.rule_id, w.ticket_id, w.field, w.after, w.unattended,
    w.unattended
        and w.intended_at > coalesce(g.at, timestamp '0001-01-01')
        and not exists (
            from zdsync.accepted a
            where a.rule_id = w.rule_id and a.ticket_id = w.ticket_id
                and a.accepted_at <= w.intended_at
                and w.intended_at <= coalesce(a.done_at, w.intended_at)
        ) as charged
from written w
left join agreed g on g.rule_id = w.rule_id
