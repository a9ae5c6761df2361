-- One row is: one intended write and what became of it, newest first.
-- Parameters: ticket (id or number), run, rule (null: any), unresolved (boolean).
-- Used by: zdsync journal.
with asked as (
    select
        cast(? as varchar) as ticket, cast(? as varchar) as run, cast(? as varchar) as rule,
        cast(? as boolean) as unresolved
)
select
    j.intended_at, coalesce(t.ticket_number, j.ticket_id) as ticket, j.field, j.before, j.after,
    j.rule_id as rule, coalesce(j.outcome, 'unresolved') as outcome, j.error, j.run_id, j.change_id
from zdsync.journal j
cross join asked a
left join desk.tickets t on t.id = j.ticket_id
where (a.ticket is null or j.ticket_id = a.ticket or t.ticket_number = a.ticket)
    and (a.run is null or j.run_id = a.run)
    and (a.rule is null or j.rule_id = a.rule)
    and (not a.unresolved or j.outcome is null or j.outcome = 'unknown')
order by j.intended_at desc, ticket, j.field
