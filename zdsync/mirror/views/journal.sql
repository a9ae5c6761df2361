-- journal: one row is one write that was intended, and what became of it. For people, `zdsync sql`
-- and `zdsync journal`. A ticket that the mirror does not hold any more goes by its id.
create or replace view main.journal as
select
    j.intended_at as written,
    coalesce(t.ticket_number, j.ticket_id) as ticket,
    j.action,
    j.field,
    j.before,
    j.after,
    coalesce(j.outcome, 'unresolved') as outcome,
    nullif(j.error, '') as reason,
    j.rule_id as rule,
    j.evidence,
    coalesce(j.command, r.command) as command,
    j.run_id,
    j.change_id,
    j.ticket_id,
    j.settled_at as settled,
    j.http_status,
    j.rule_digest,
    j.rules_digest,
    j.plan_id
from zdsync.journal j
left join desk.tickets t on t.id = j.ticket_id
left join zdsync.runs r on r.run_id = j.run_id
