-- One row is one ticket of a backlog that a person agreed to and that waits, oldest first; tickets
-- that were tried in vain since come last, so that they do not stand before the others.
-- Parameters: none. Used by changes/pauses.py.
with waiting as (
    select rule_id, rule_digest, ticket_id, max(accepted_at) as accepted_at
    from zdsync.accepted
    where done_at is null
    group by rule_id, rule_digest, ticket_id
),
refused as (
    select w.rule_id, w.ticket_id
    from waiting w
    join zdsync.journal j on j.rule_id = w.rule_id and j.ticket_id = w.ticket_id
    where j.outcome = 'rejected' and j.settled_at > w.accepted_at
    group by w.rule_id, w.ticket_id
)
select w.rule_id, w.rule_digest, w.ticket_id
from waiting w
left join refused x on x.rule_id = w.rule_id and x.ticket_id = w.ticket_id
left join desk.tickets t on t.id = w.ticket_id
order by x.ticket_id is not null, t.created_time nulls last, length(w.ticket_id), w.ticket_id
