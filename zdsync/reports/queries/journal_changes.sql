-- One row is one intended write and what became of it, newest first.
-- $1: ids of tickets, one JSON list; $2: run; $3: rule (null: any); $4: only those without a known
-- outcome; $5: naive UTC timestamp from which on (null: ever); $6: rows; $7: rows before them.
-- Used by reports/journal.py.
select j.*, t.ticket_number, count(*) over () as found
from zdsync.journal j
left join desk.tickets t on t.id = j.ticket_id
where ($1::varchar is null or j.ticket_id in (select unnest(from_json($1, '["VARCHAR"]'))))
    and ($2::varchar is null or j.run_id = $2)
    and ($3::varchar is null or j.rule_id = $3)
    and (not $4::boolean or j.outcome is null or j.outcome = 'unknown')
    and ($5::timestamp is null or coalesce(j.intended_at, j.settled_at) >= $5::timestamp)
order by coalesce(j.intended_at, j.settled_at) desc nulls last, j.run_id, t.ticket_number,
    j.ticket_id, j.field, j.change_id
limit $6 offset $7
