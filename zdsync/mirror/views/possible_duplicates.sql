-- main.possible_duplicates: one row is a pair of live tickets of one contact, the later created
-- within 24 hours of the earlier, with a like subject. For people.
-- Like: Jaro-Winkler similarity of at least 0.9 (DuckDB's jaro_winkler_similarity: 1 is equal) of
-- the subjects without Re:, Fwd: and the like, case, accents and runs of blanks; subjects of less
-- than 3 characters are like none. Each ticket is compared with at most the 20 of its contact that
-- came right before it, so that a contact with 100,000 alarms a day costs no more than others.
create or replace view main.possible_duplicates as
with ticket as (
    select id, ticket_number, contact_id, created_time as created, status, subject,
        regexp_replace(regexp_replace(strip_accents(lower(trim(subject))),
            '^((re|aw|antw|fw|fwd|wg|tr|rv|sv|vs)\s*:\s*)+', ''), '\s+', ' ', 'g') as bare
    from desk.tickets
    where presence = 'live' and contact_id is not null and created_time is not null
        and length(trim(subject)) >= 3
),
spaced as (
    select *, lag(created) over w as earlier, lead(created) over w as later
    from ticket window w as (partition by contact_id order by created, id)
),
near as (
    select *, row_number() over (partition by contact_id order by created, id) as place
    from spaced
    where created <= earlier + interval 24 hour or later <= created + interval 24 hour
),
pair as (
    select a.contact_id, a.id, b.id as later_id, a.ticket_number as number,
        b.ticket_number as later_number, a.subject, b.subject as later_subject,
        a.status, b.status as later_status, a.created, b.created as later_created,
        jaro_winkler_similarity(a.bare, b.bare) as similarity
    from (select *, unnest(generate_series(place - 20, place - 1)) as before from near) b
    join near a on a.contact_id = b.contact_id and a.place = b.before
    where b.created <= a.created + interval 24 hour
        and length(a.bare) >= 3 and length(b.bare) >= 3
)
select
    p.id,
    p.later_id,
    p.number,
    p.later_number,
    coalesce(nullif(trim(concat_ws(' ', c.first_name, c.last_name)), ''), c.email) as contact,
    p.subject,
    p.later_subject,
    round(p.similarity, 3) as similarity,
    date_diff('minute', p.created, p.later_created) as minutes_apart,
    p.created,
    p.later_created,
    p.status,
    p.later_status,
    o.id is not null as is_open,
    later.id is not null as later_is_open
from pair p
left join desk.contacts c on c.id = p.contact_id
left join zdsync.open_tickets o on o.id = p.id
left join zdsync.open_tickets later on later.id = p.later_id
where p.similarity >= 0.9
