-- One row is one intent that journal_read tells something of, merged with what
-- zdsync.journal holds: what is there stays, a line fills what is empty, so repeating lines changes
-- nothing. The first receipt counts (promise 5); only a line of the kind found replaces a receipt,
-- and only one of unknown outcome. Used by mirror/journal_table.py.
create or replace temp table journal_merged as
with told as (
    select run_id, change_id,
        arg_min(plan_id, n) as plan_id, arg_min(rule_id, n) as rule_id,
        arg_min(rules_digest, n) as rules_digest, arg_min(rule_digest, n) as rule_digest,
        arg_min(command, n) as command, arg_min(action, n) as action,
        arg_min(ticket_id, n) as ticket_id, arg_min(field, n) as field,
        arg_min(before, n) as before, arg_min(after, n) as after,
        arg_min(evidence, n) as evidence, arg_min(intended_at, n) as intended_at,
        arg_min({'outcome': outcome, 'http_status': http_status, 'error': error,
            'settled_at': settled_at}, n)
            filter (where kind is distinct from 'found' and outcome is not null) as receipt,
        arg_max({'outcome': outcome, 'http_status': http_status, 'error': error,
            'settled_at': settled_at}, n)
            filter (where kind = 'found' and outcome is not null) as found
    from journal_read
    group by run_id, change_id
),
merged as (
    select told.* exclude (receipt, found), o.change_id is not null as is_held,
        o,
        case when o.outcome is null then told.receipt else
            {'outcome': o.outcome, 'http_status': o.http_status, 'error': o.error,
                'settled_at': o.settled_at} end as receipt,
        told.found
    from told left join zdsync.journal o using (run_id, change_id)
),
settled as (
    select *,
        case when found is not null and receipt.outcome = 'unknown' then found else receipt end as said
    from merged
)
select is_held, change_id, run_id, coalesce(o.plan_id, plan_id) as plan_id,
    coalesce(o.rule_id, rule_id) as rule_id, coalesce(o.rules_digest, rules_digest) as rules_digest,
    coalesce(o.ticket_id, ticket_id) as ticket_id, coalesce(o.field, field) as field,
    coalesce(o.before, before) as before, coalesce(o.after, after) as after,
    said.outcome as outcome, said.http_status as http_status, said.error as error,
    coalesce(o.intended_at, intended_at) as intended_at, said.settled_at as settled_at,
    coalesce(o.action, action) as action, coalesce(o.evidence, evidence) as evidence,
    coalesce(o.rule_digest, rule_digest) as rule_digest, coalesce(o.command, command) as command
from settled
