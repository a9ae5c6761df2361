-- One row is: what one stream cost, in calls and API credits, in the window of its system's pool.
-- Parameters: start of Desk's day, start of the CRM's window (timestamps, UTC). Used by: status.
select system, stream, count(*) as calls, coalesce(sum(credits), 0) as credits
from zdsync.calls
where called_at >= case system when 'crm' then cast($2 as timestamp) else cast($1 as timestamp) end
group by system, stream
order by credits desc, stream
