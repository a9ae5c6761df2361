-- zdsync.pauses: one row is one time that a rule was paused for unattended ticks. It holds while
-- `ended_at` is empty and the rule's digest is still `rule_digest`. Of cause `refused`, run_id and
-- change_id name the last refusal in zdsync.journal. Used by changes/pauses.py.
create table zdsync.pauses (
    rule_id varchar, rule_digest varchar, cause varchar, limit_name varchar, allowed double,
    found double, reason varchar, run_id varchar, change_id varchar, paused_at timestamp,
    ended_at timestamp, ended_by varchar
);
-- zdsync.accepted: one row is one ticket that a rule may write though it goes beyond the limits,
-- because a person agreed. Used by changes/pauses.py.
create table zdsync.accepted (
    rule_id varchar, rule_digest varchar, ticket_id varchar, accepted_at timestamp,
    done_at timestamp
);
-- zdsync.told: one row is one thing that the operator is told; no text of a customer.
-- Used by telling.py.
create table zdsync.told (key varchar, line varchar, seen_at timestamp, told_at timestamp);
