-- One row is one pause that has not ended, the last of its rule, with Zoho's words where refusals
-- are the cause. Parameters: none. Used by changes/pauses.py.
select p.rule_id, p.rule_digest, p.cause, p.limit_name, p.allowed, p.found, p.run_id, p.change_id,
    p.paused_at, coalesce(j.error, '') as words
from zdsync.pauses p
left join zdsync.journal j on j.run_id = p.run_id and j.change_id = p.change_id
where p.ended_at is null
qualify row_number() over (partition by p.rule_id, p.rule_digest order by p.paused_at desc) = 1
order by p.rule_id
