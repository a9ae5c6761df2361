-- main.untouched_48h: one row is one open ticket that nobody but zdsync touched for 48 hours up to
-- as_of. For people; `touched` is what rules read by that name.
create or replace view main.untouched_48h as
select
    t.id,
    t.number,
    t.subject,
    t.status,
    t.priority,
    t.department,
    t.agent,
    t.contact,
    t.account,
    t.created,
    t.touched,
    round(date_diff('second', t.touched, mirror.as_of) / 3600.0, 1) as untouched_hours
from main.tickets t
cross join zdsync.as_of mirror
where t.is_open and t.touched <= mirror.as_of - interval 48 hour
