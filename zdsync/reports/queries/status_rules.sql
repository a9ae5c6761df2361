-- One row is one rule that is paused for unattended ticks, or of which tickets that a person agreed
-- to wait: since when and why it is paused, with the words of Zoho's last refusal, and how many wait.
-- Parameters: none. Used by: zdsync status.
with paused as (
    select p.rule_id, p.paused_at, p.reason, coalesce(j.error, '') as words
    from zdsync.pauses p
    left join zdsync.journal j on j.run_id = p.run_id and j.change_id = p.change_id
    where p.ended_at is null
    qualify row_number() over (partition by p.rule_id order by p.paused_at desc) = 1
),
waiting as (
    select rule_id, count(distinct ticket_id) as tickets
    from zdsync.accepted
    where done_at is null
    group by rule_id
)
select coalesce(p.rule_id, w.rule_id) as rule_id, p.paused_at, coalesce(p.reason, '') as reason,
    coalesce(p.words, '') as words, coalesce(w.tickets, 0) as waiting
from paused p
full join waiting w on w.rule_id = p.rule_id
order by p.paused_at nulls last, rule_id
