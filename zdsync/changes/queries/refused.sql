-- One row is one rule whose writes Zoho refused again and again in unattended runs, without one
-- that was done since: how often, and the last of them. Refusals of before the last pause of the
-- rule, or of another rules file, do not count.
-- $1: since when; $2: digest of the rules file; $3: how many refusals; $4: in how many runs.
-- Used by changes/pauses.py.
with settled as (
    select j.rule_id, j.run_id, j.change_id, j.outcome, j.settled_at,
        coalesce(r.command, 'run') = 'run' as unattended
    from zdsync.journal j
    left join zdsync.runs r on r.run_id = j.run_id
    where j.settled_at > cast($1 as timestamp) and j.rules_digest = $2
        and j.outcome in ('applied', 'already', 'rejected')
),
done as (
    select rule_id, max(settled_at) as at from settled where outcome <> 'rejected' group by rule_id
),
ended as (
    select rule_id, max(ended_at) as at from zdsync.pauses group by rule_id
)
select s.rule_id, count(*) as refusals, arg_max(s.run_id, s.settled_at) as run_id,
    arg_max(s.change_id, s.settled_at) as change_id
from settled s
left join done d on d.rule_id = s.rule_id
left join ended e on e.rule_id = s.rule_id
where s.outcome = 'rejected' and s.unattended
    and s.settled_at > coalesce(d.at, timestamp '0001-01-01')
    and s.settled_at > coalesce(e.at, timestamp '0001-01-01')
group by s.rule_id
having count(*) >= $3 and count(distinct s.run_id) >= $4
