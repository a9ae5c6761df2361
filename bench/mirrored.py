"""A mirror of a million tickets with letters in six languages, made by SQL and not over HTTP.

The open ones are four of five of the newest, as in a portal that works its queue. Everything is
decided by hashes of the ticket's number: the same mirror each time.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from bench.letters import SENTENCES, TONGUES, sentences
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Row, Shape
from zdsync.sql import Sql
from zdsync.streams import STREAMS

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PEOPLE, ACCOUNTS, IN_CRM = 60_000, 5_000, 40_000
DEPARTMENTS = ("IT", "Support", "Paid Support", "Community", "Trials")
AGENTS = range(100, 140)

# One row is one ticket as a search row leaves it. Parameters: all sentences, the language of each
# of 100 tickets, names of languages (JSON lists), how many tickets, how many of them open, how many
# sentences a language has.
_FILL = """
insert into desk.tickets by name
with pool as materialized (select from_json($1, '["VARCHAR"]') as w,
    from_json($2, '["INTEGER"]') as tongues, from_json($3, '["VARCHAR"]') as names),
rows as (
    select i, (hash(i) >> 2)::bigint as h, (hash(i + 7919) >> 2)::bigint as g,
        (hash(i // 3) >> 2)::bigint as p, i >= $4 - $5 * 5 // 4 and i % 5 > 0 as is_open,
        timestamp '2026-03-02 09:00:00' - to_seconds(((($4 - i) * 57600000) // $4)) as made
    from range($4) t(i)),
said as (select *, tongues[1 + h % 100] as tongue from rows, pool),
written as (
    select *, w[tongue * $6 + 1 + h // 7 % $6] as head,
        list_transform(range(5 + h % 3),
            lambda k: w[tongue * $6 + 1 + (h // (k + 3) + k * (g // 1000)) % $6]) as parts
    from said)
select
    (189200000000000000 + i)::varchar as id, (i + 1)::varchar as ticket_number,
    (1 + g % 5)::varchar as department_id,
    'c' || (p % 60000) as contact_id,
    case when g % 3 > 0 then (100 + g % 40)::varchar end as assignee_id,
    head[:70] as subject,
    case when h % 5 < 2 then '<div style="font-family: Arial; font-size: 12px"><p>'
            || array_to_string(parts, '.</p><p>&nbsp;')
            || '</p><br><span class="sig">' || head[:30] || ' &amp; Co.</span></div>'
        else array_to_string(parts, '. ') end as description,
    case when not is_open then 'Closed' when h % 11 = 0 then 'On Hold' when h % 23 = 0
        then 'Escalated' else 'Open' end as status,
    case when not is_open then 'Closed' when h % 11 = 0 then 'On Hold' else 'Open' end
        as status_type,
    ['Low', 'Medium', 'High', null][1 + (h // 3 % 4)] as priority,
    ['Email', 'Web', 'Phone', 'Chat', 'Email', 'Email', 'Forums'][1 + (h // 5 % 7)] as channel,
    case when g % 2 = 0 then ['Error', 'Order', 'General'][1 + g // 5 % 3] end as category,
    case when g % 7 = 0 then 'Office' end as sub_category,
    case when g % 4 = 0 then ['Question', 'Problem', 'Legal'][1 + g // 9 % 3] end as classification,
    'person' || (p % 60000) || ['@home.example', '@clinic.example', '@shop.xyz', '@mail.example'][
        1 + p % 60000 % 4] as email,
    names[tongue + 1] as language,
    made as created_time, made + to_seconds(h % 900000) as modified_time,
    case when not is_open then made + to_seconds(h % 800000) end as closed_time,
    made + to_days(3) as due_date, made + to_seconds(h % 70000) as customer_response_time,
    h % 10 as thread_count, g % 4 as comment_count, g % 50 = 0 as is_escalated,
    false as is_spam, false as is_archived,
    json_object('channel', 'EMAIL', 'isDraft', false, 'direction', 'in') as last_thread,
    json_object('cf_outcome', case when not is_open then 'solved' end, 'cf_floor', h % 40,
        'cf_case', md5(i::varchar), 'cf_impact', ['Low', 'High', null, null][1 + g // 3 % 4],
        'cf_seats', g % 500, 'cf_line', ['Alpha', 'Portal', null, 'Misc', null][1 + g // 8 % 5])
        as cf,
    'live' as presence, timestamp '2026-03-02 08:59:00' as pulled_at,
    timestamp '2026-03-02 08:59:00' as tags_read_at,
    made as status_since, 'first_seen' as status_since_source,
    to_base(h, 36, 13) || to_base(i, 36, 8) as seen
from written
"""
_TAGS = """
insert into desk.ticket_tags by name
select id as ticket_id, ['new', 'triaged', 'duplicate', 'bot'][1 + (hash(id) % 4)::bigint] as tag
from desk.tickets where hash(id) % 5 < 2
"""


def fill(mirror: Mirror, tickets: int, is_open: int) -> None:
    """Put people, accounts and `tickets` tickets into an empty mirror, `is_open` of them open."""
    fixed = _people()
    for spec in STREAMS:
        rows: list[Row] = fixed.get(spec.name, [])
        done = Cursor(spec.name, NOW, (), True, NOW)
        mirror.checkpoint([RecordBatch(spec.name, Shape.SEARCH, tuple(rows), NOW)], done)
    shares = [place for place, one in enumerate(TONGUES) for _ in range(one.share)]
    lists = (sentences(), shares, [one.name for one in TONGUES])
    said = [json.dumps(one, ensure_ascii=False) for one in lists]
    mirror.run(Sql(_FILL, (*said, tickets, is_open, SENTENCES)))
    mirror.run(Sql(_TAGS))
    mirror.tags_swept({}, [str(n) for n in range(1, 6)], NOW)


def change(mirror: Mirror, many: int, mark: str) -> None:
    """Change the text of open tickets that lie all over the history, as answers would."""
    mirror.run(
        Sql(
            "update desk.tickets set description = description || $1, "
            "modified_time = modified_time + interval 1 second where id in (select id from "
            "desk.tickets where status_type <> 'Closed' order by hash(id, $1) limit $2)",
            (f" {mark}", many),
        )
    )


def close_all_but(mirror: Mirror, many: int) -> None:
    """Close open tickets until only `many` are left."""
    mirror.run(
        Sql(
            "update desk.tickets set status = 'Closed', status_type = 'Closed', "
            "closed_time = modified_time where status_type <> 'Closed' and id not in (select id "
            "from desk.tickets where status_type <> 'Closed' order by hash(id) limit $1)",
            (many,),
        )
    )


def _people() -> dict[str, list[Row]]:
    departments = [str(n + 1) for n in range(len(DEPARTMENTS))]
    words = {"Open": "Open", "In Progress": "Open", "Escalated": "Open", "On Hold": "On Hold"}
    statuses = [{"value": name, "statusType": kind} for name, kind in words.items()]
    statuses.append({"value": "Closed", "statusType": "Closed"})
    declared = {"impact": "Text", "seats": "Number", "floor": "Number", "case": "Text"}
    declared |= {"line": "Text", "outcome": "Text"}
    return {
        "desk.departments": [
            {"id": one, "name": name, "is_enabled": True}
            for one, name in zip(departments, DEPARTMENTS, strict=True)
        ],
        "desk.agents": [
            {"id": str(n), "email_id": f"agent{n}@desk.example", "name": f"Agent {n}",
             "status": "ACTIVE", "zuid": str(9000 + n), "associated_department_ids": departments}
            for n in AGENTS
        ],
        "desk.fields": [
            {"id": "s", "module": "tickets", "api_name": "status", "type": "Picklist",
             "pick_list_values": statuses},
            {"id": "p", "module": "tickets", "api_name": "priority", "type": "Picklist",
             "pick_list_values": [{"value": v} for v in ("High", "Medium", "Low")]},
            *({"id": key, "module": "tickets", "api_name": f"cf_{key}", "type": kind,
               "is_custom_field": True} for key, kind in declared.items()),
        ],
        "crm.users": [
            {"id": f"u{n}", "email": f"agent{n}@desk.example", "zuid": str(9000 + n)}
            for n in AGENTS
        ],
        "crm.accounts": [
            {"id": f"ca{n}", "account_name": f"Account {n}", "modified_time": _at(),
             "cf": {"SLA_Tier": ("Gold", "Silver", "Bronze", None, None)[n % 5],
                    "Churn_Risk": n % 100, "Standing": ("Good", "Good", "Trial", "Overdue")[n % 4]}}
            for n in range(ACCOUNTS)
        ],
        "crm.contacts": [
            {"id": f"cc{n}", "owner_id": f"u{100 + n % 40}", "modified_time": _at(),
             "email": f"person{n}@home.example", "account_id": f"ca{n % ACCOUNTS}"}
            for n in range(IN_CRM)
        ],
        "desk.accounts": [
            {"id": f"a{n}", "modified_time": _at(), "zoho_crm_account_id": f"ca{n}",
             "account_name": f"{'Klinik' if n % 9 == 0 else 'Account'} {n}"}
            for n in range(ACCOUNTS)
        ],
        "desk.contacts": [
            {"id": f"c{n}", "email": f"person{n}@home.example", "modified_time": _at(),
             "first_name": "Test" if n % 997 == 0 else f"Ana{n % 300}", "last_name": f"Mira {n}",
             "type": "VIP" if n % 211 == 0 else "Customer",
             "account_id": f"a{n % ACCOUNTS}" if n % 3 else None,
             "zoho_crm_contact_id": f"cc{n}" if n < IN_CRM else None}
            for n in range(PEOPLE)
        ],
    }  # fmt: skip


def _at() -> str:
    return f"{NOW:%Y-%m-%d %H:%M:%S}"
