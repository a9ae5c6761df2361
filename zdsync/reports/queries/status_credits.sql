-- One row is: what one stream cost since midnight UTC, in calls and API credits.
-- Parameters: now (timestamp, UTC). Used by: zdsync status.
-- Desk counts a calendar day of the data centre and CRM a rolling day; midnight UTC is a guide.
select system, stream, count(*) as calls, coalesce(sum(credits), 0) as credits
from zdsync.calls
where called_at >= date_trunc('day', cast(? as timestamp))
group by system, stream
order by credits desc, stream
