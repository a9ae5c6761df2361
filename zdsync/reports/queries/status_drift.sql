-- One row is: a field that drifted lately, or that is gone and still read by a rule or a report.
-- Parameters: now (timestamp, UTC). Used by: zdsync status, zdsync doctor.
select seen_at, stream, module, field, kind, before, after, coalesce(read_by, []) as read_by
from zdsync.drift
where ended_at is null
    and (seen_at >= cast(? as timestamp) - interval 7 day
        or (kind in ('vanished', 'renamed') and len(read_by) > 0))
order by seen_at desc, stream, module, field
limit 100
