-- One row is: one stream: rows that are not gone, cursor, last pull, seconds since that pull.
-- What hangs on tickets has no cursor: its last pull is the last reading of any ticket.
-- Parameters: now (timestamp, UTC). Used by: zdsync status.
with counted as (
    select 'desk.departments' as stream, count(*) as rows from desk.departments where deleted_at is null
    union all select 'desk.agents', count(*) from desk.agents where deleted_at is null
    union all select 'desk.teams', count(*) from desk.teams where deleted_at is null
    union all select 'desk.fields', count(*) from desk.fields where deleted_at is null
    union all select 'desk.accounts', count(*) from desk.accounts where deleted_at is null
    union all select 'desk.contacts', count(*) from desk.contacts where deleted_at is null
    union all select 'desk.tickets', count(*) from desk.tickets where deleted_at is null
    union all select 'desk.threads', count(*) from desk.threads where deleted_at is null
    union all select 'desk.comments', count(*) from desk.comments where deleted_at is null
    union all select 'desk.tags', count(*) from desk.ticket_tags
    union all select 'crm.fields', count(*) from crm.fields where deleted_at is null
    union all select 'crm.users', count(*) from crm.users where deleted_at is null
    union all select 'crm.accounts', count(*) from crm.accounts where deleted_at is null
    union all select 'crm.contacts', count(*) from crm.contacts where deleted_at is null
    union all select 'crm.leads', count(*) from crm.leads where deleted_at is null
),
known as (
    select stream, value, last_pull_at from zdsync.cursors
    union all select 'desk.threads', null, max(read_at) from zdsync.conversations
    union all select 'desk.comments', null, max(read_at) from zdsync.conversations
    union all select 'desk.tags', null, max(tags_read_at) from desk.tickets
)
select
    c.stream, c.rows, k.value, k.last_pull_at,
    date_diff('second', k.last_pull_at, cast(? as timestamp)) as lag_seconds
from counted c
left join known k on k.stream = c.stream
order by c.stream
