"""Ten rules over 100,000 mirrored tickets, 20,000 of them open: how long a plan takes."""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.rows import Figure
from zdsync.changes import evaluate
from zdsync.clock import SystemClock
from zdsync.mirror import Mirror
from zdsync.model import Cursor, RecordBatch, Row, Shape
from zdsync.rules import compile_rule, load_rules
from zdsync.streams import STREAMS

TICKETS, OPEN = 100_000, 20_000
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEYWORDS = ("login", "password", "crash", "invoice", "refund", "import", "docker", "license")
FILLER = tuple(
    f"{first}{last}"
    for first in ("ta", "mo", "ri", "ke", "su")
    for last in ("lan", "rek", "mis", "dor", "pel")
)


# The figure speaks of ten rules: eight of the shipped ones, and two more.
SHIPPED = {
    *("close-spam", "patient-out-of-it", "patient-to-contact-owner", "priority-by-sla-tier"),
    *("email-starts-at-medium", "tag-area", "tag-type", "tag-special"),
}
TWO_MORE = """
  - id: old-and-untouched
    mode: apply
    when: {status: Open, created: {older_than: 720h}, assignee: null, channel: Phone}
    then: [{set: {priority: High}}]
  - id: refunds-to-community
    mode: apply
    when: {department: Trials, subject: {contains_any: [refund, "money back"]}}
    then: [{tag: [refund asked]}]
"""


def figures() -> Iterator[Figure]:
    """Fill a mirror, then plan three times: nothing folded yet, folded, and once more."""
    rules = Path(__file__).parent.parent.joinpath("rules.yaml").read_text(encoding="utf-8")
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "private" / "mirror.duckdb"
        with Mirror.open(path, memory="512MB", options={}, clock=clock) as mirror:
            fill(mirror)
            mirror.tags_swept({}, ["1", "2", "3", "4", "5"], clock.now())
            portal = mirror.portal()
            text = rules.replace("mode: plan", "mode: apply") + TWO_MORE
            loaded = load_rules(text, "rules.yaml", portal)
            file = loaded.rules
            ten = SHIPPED | {"old-and-untouched", "refunds-to-community"}
            chosen = [rule for rule in file.rules if rule.id in ten]
            assert len(chosen) == len(ten), [rule.id for rule in chosen]
            compiled = [compile_rule(rule, file, portal, NOW) for rule in chosen]
            for name in ("first plan (folds the text)", "next plan"):
                started = time.perf_counter()
                plan = evaluate(
                    mirror,
                    compiled,
                    portal,
                    as_of=NOW,
                    rules_digest=file.digest,
                    kept=True,
                    whole=True,
                ).plan()
                took = time.perf_counter() - started
                what = f"{name}: {len(compiled)} rules, {len(plan.changes):,} changes"
                yield Figure(what, f"{took:.2f} s", "3 s", _floor(mirror))


def _floor(mirror: Mirror) -> str:
    """The time of reading the open tickets' rows out of the mirror once."""
    from zdsync.sql import Sql

    started = time.perf_counter()
    mirror.rows(Sql("SELECT * FROM zdsync.rule_tickets WHERE status_type <> 'Closed'"))
    return f"{time.perf_counter() - started:.2f} s"


def fill(mirror: Mirror) -> None:
    chance = random.Random(7)
    people: list[Row] = [
        {"id": str(n), "email_id": f"agent{n}@desk.example", "name": f"Agent {n}",
         "status": "ACTIVE", "zuid": str(9000 + n),
         "associated_department_ids": ["1", "2", "3", "4", "5"]}
        for n in range(100, 120)
    ]  # fmt: skip
    names = ("IT", "Support", "Paid Support", "Community", "Trials")
    statuses = [
        {"value": "Open", "statusType": "Open"},
        {"value": "Closed", "statusType": "Closed"},
    ]
    fixed: dict[str, list[Row]] = {
        "desk.departments": [
            {"id": str(n + 1), "name": name, "is_enabled": True} for n, name in enumerate(names)
        ],
        "desk.agents": people,
        "desk.teams": [{"id": "50", "name": "Front Desk", "department_id": "2"}],
        "desk.fields": [
            {"id": "s", "module": "tickets", "api_name": "status", "type": "Picklist",
             "pick_list_values": statuses},
            {"id": "p", "module": "tickets", "api_name": "priority", "type": "Picklist",
             "pick_list_values": [{"value": v} for v in ("High", "Medium", "Low")]},
            {"id": "o", "module": "tickets", "api_name": "cf_outcome", "type": "Text",
             "is_custom_field": True},
        ],
        "crm.users": [
            {"id": f"u{n}", "email": f"agent{n}@desk.example", "zuid": str(9000 + n)}
            for n in range(100, 120)
        ],
        "crm.accounts": [
            {"id": f"ca{n}", "account_name": f"Account {n}", "modified_time": _at(0),
             "cf": {"SLA_Tier": chance.choice(("Gold", "Silver", "Bronze", None))}}
            for n in range(1_000)
        ],
        "crm.contacts": [
            {"id": f"cc{n}", "owner_id": f"u{chance.randrange(100, 120)}", "modified_time": _at(0),
             "email": f"person{n}@home.example", "account_id": f"ca{n % 1000}"}
            for n in range(15_000)
        ],
        "crm.leads": [],
        "crm.fields": [],
        "desk.accounts": [
            {"id": f"a{n}", "account_name": f"Account {n}", "modified_time": _at(0),
             "zoho_crm_account_id": f"ca{n}"}
            for n in range(1_000)
        ],
        "desk.contacts": [
            {"id": f"c{n}", "email": f"person{n}@home.example", "modified_time": _at(0),
             "account_id": f"a{n % 1000}", "zoho_crm_contact_id": f"cc{n}" if n < 15_000 else None}
            for n in range(20_000)
        ],
    }  # fmt: skip
    for spec in STREAMS:
        done = Cursor(spec.name, NOW, (), True, NOW)
        rows = fixed.get(spec.name) or []
        mirror.checkpoint([RecordBatch(spec.name, Shape.SEARCH, tuple(rows), NOW)], done)
    for start in range(0, TICKETS, 1_000):
        rows = [_ticket(n, chance) for n in range(start, start + 1_000)]
        batch = RecordBatch("desk.tickets", Shape.SEARCH, tuple(rows), NOW)
        mirror.checkpoint([batch], None)


def _ticket(number: int, chance: random.Random) -> Row:
    is_open = number % (TICKETS // OPEN) == 0
    text = " ".join([*chance.choices(FILLER, k=90), *_hint(chance)])
    return {
        "id": str(10**9 + number),
        "ticket_number": str(number),
        "department_id": str(1 + number // 7 % 5),
        "contact_id": f"c{number % 20_000}",
        "subject": " ".join([*chance.choices(FILLER, k=6), *_hint(chance)]),
        "description": f"<p>{text}</p>",
        "status": "Open" if is_open else "Closed",
        "status_type": "Open" if is_open else "Closed",
        "channel": chance.choice(("Email", "Web", "Chat", "Phone")),
        "priority": chance.choice(("High", "Medium", "Low", None)),
        "assignee_id": None,
        "email": f"person{number % 20_000}@home.example",
        "created_time": _at(number),
        "modified_time": _at(number),
        "is_spam": False,
        "cf": {},
    }


def _hint(chance: random.Random) -> list[str]:
    """One text in four speaks of something that a taxonomy knows."""
    return [chance.choice(KEYWORDS)] if chance.random() < 0.25 else []


def _at(minutes: int) -> str:
    return f"{NOW - timedelta(days=90) + timedelta(minutes=minutes):%Y-%m-%d %H:%M:%S}"
