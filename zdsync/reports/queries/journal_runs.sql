-- One row is one run that intended a write, newest first, with its changes by outcome.
-- $1: rows. Used by reports/journal.py.
select j.run_id, coalesce(max(j.command), max(r.command)) as command,
    min(coalesce(j.intended_at, j.settled_at)) as began,
    count(*) as changes, count(distinct j.ticket_id) as tickets,
    count(*) filter (where j.outcome = 'applied') as applied,
    count(*) filter (where j.outcome = 'already') as already,
    count(*) filter (where j.outcome = 'stale') as stale,
    count(*) filter (where j.outcome = 'rejected') as rejected,
    count(*) filter (where j.outcome = 'unsent') as unsent,
    count(*) filter (where j.outcome = 'unknown') as unknown,
    count(*) filter (where j.outcome is null) as unresolved,
    count(*) over () as found
from zdsync.journal j
left join zdsync.runs r on r.run_id = j.run_id
group by j.run_id
order by began desc nulls last, j.run_id desc
limit $1
