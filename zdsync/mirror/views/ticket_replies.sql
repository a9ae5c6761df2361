-- zdsync.ticket_replies: one row is one live ticket: what its conversation comes to, and which of
-- it is known, from the conversation where that is current, else from what the row tells for
-- nothing. Used by changes/spoken.py (only by rules that read it) and mirror/conversations.py.
-- A reply is a message to the customer: no draft, no failed one, no forward, nothing private, not
-- the message that opened the ticket. Chats and social messages are replies, but no e-mails.
create or replace view zdsync.ticket_replies as
with messages as (
    select ticket_id, id, created_time, direction = 'in' as inward, "to" as sent_to,
        not coalesce(is_description_thread, false) as reply,
        coalesce(upper(channel), '') not in ('CHAT', 'ONLINE_CHAT', 'OFFLINE_CHAT', 'FACEBOOK',
            'TWITTER', 'TWITTER_DM', 'FORUMS', 'INSTANT_MESSAGE') as mail
    from desk.threads
    where deleted_at is null and direction in ('in', 'out')
        and coalesce(upper(status), 'SUCCESS') not in ('DRAFT', 'FAILED')
        and not coalesce(is_forward, false)
        and coalesce(lower(visibility), 'public') <> 'private'
),
heard as (
    select ticket_id, max(wrote) as last_inbound from (
        select ticket_id, created_time as wrote from messages where inward
        union all
        select ticket_id, commented_time from desk.comments
        where deleted_at is null and json_extract_string(commenter, '$.type') = 'END_USER'
    ) group by ticket_id
),
said as (
    select m.ticket_id,
        arg_max(inward, (created_time, try_cast(id as hugeint))) as last_inward,
        arg_min(sent_to, (created_time, try_cast(id as hugeint)))
            filter (inward and nullif(trim(sent_to), '') is not null) as first_to,
        min(created_time) filter (not inward and reply) as first_response,
        max(created_time) filter (not inward and reply) as last_outbound,
        count(*) filter (not inward and reply
            and (h.last_inbound is null or created_time > h.last_inbound)) as since,
        count(*) filter (not inward and reply and mail
            and (h.last_inbound is null or created_time > h.last_inbound)) as mails
    from messages m left join heard h on h.ticket_id = m.ticket_id
    group by m.ticket_id
),
stand as (
    select t.id, t.pulled_at, t.thread_count, t.comment_count, b.row_asked_at, b.read_at,
        b.read_at is not null as was_read,
        coalesce(b.read_at is not null
            and b.modified_time is not distinct from t.modified_time
            and b.thread_count is not distinct from t.thread_count
            and b.comment_count is not distinct from t.comment_count, false) as is_read,
        case when not coalesce(json_extract_string(t.last_thread, '$.isDraft') = 'true', false)
            and not coalesce(json_extract_string(t.last_thread, '$.isForward') = 'true', false)
            then lower(json_extract_string(t.last_thread, '$.direction')) end as last_shown
    from desk.tickets t
    left join zdsync.conversations b on b.ticket_id = t.id
    where t.presence = 'live'
)
select
    r.id as ticket_id,
    greatest(r.pulled_at, r.row_asked_at, case when r.is_read then r.read_at end) as row_seen_at,
    r.is_read as replies_read,
    case when r.is_read then case when said.last_inward then 'in' when not said.last_inward then 'out' end
        else r.last_shown end as last_direction,
    case when r.is_read then coalesce(said.since, 0) else 0 end as replies_outbound_since_customer,
    case when r.is_read then said.last_outbound end as replies_last_outbound,
    case when r.is_read then heard.last_inbound end as replies_last_inbound,
    case when r.is_read then said.first_response end as replies_first_response,
    case when r.is_read then coalesce(said.mails, 0) else 0 end as attempts,
    said.first_to as support_address,
    r.was_read or coalesce(r.thread_count = 0, false) as knows_address,
    r.is_read or coalesce(r.last_shown in ('in', 'out'), false) as knows_direction,
    r.is_read or coalesce(r.thread_count = 0, false) or coalesce(r.last_shown = 'in', false)
        as knows_since,
    r.is_read or coalesce(r.thread_count = 0, false)
        or coalesce(r.thread_count <= 1 and r.last_shown = 'in', false) as knows_outbound,
    r.is_read as knows_inbound,
    r.is_read or coalesce(r.comment_count = 0
        and (r.thread_count = 0 or r.last_shown = 'in'), false) as knows_attempts
from stand r
left join said on said.ticket_id = r.id
left join heard on heard.ticket_id = r.id
