"""A small support desk for the tests of this room: portal, mirror, Zoho Desk, rules by hand."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from zdsync.changes.evaluate import Evaluation, evaluate
from zdsync.changes.plan import Plan
from zdsync.model import Agent, CrmUser, Named, Portal, RecordBatch, Row, Told
from zdsync.rules.compiled import Action, CompiledRule
from zdsync.rules.fields import RuleField
from zdsync.sql import Sql
from zdsync.streams import StreamSpec

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SUPPORT, IT = "d1", "d2"

PORTAL = Portal(
    known=True,
    agents=(
        Agent("a1", "ana@clinic.example", "Ana", "z1", True, frozenset({SUPPORT})),
        Agent("a2", "bo@clinic.example", "Bo", "z2", True, frozenset({SUPPORT, IT})),
        Agent("a3", "off@clinic.example", "Off", "z3", False, frozenset({SUPPORT})),
        Agent("a4", "it@clinic.example", "Ivy", None, True, frozenset({IT})),
        Agent("a5", "twin@clinic.example", "Twin", None, True, frozenset({SUPPORT})),
        Agent("a6", "TWIN@clinic.example", "Twin", None, True, frozenset({SUPPORT})),
    ),
    departments=(Named(SUPPORT, "Support"), Named(IT, "IT"), Named("d3", "Old", enabled=False)),
    teams=(Named("t1", "Front Desk", SUPPORT), Named("t2", "Empty", SUPPORT)),
    statuses={"Open": "Open", "Waiting": "On Hold", "Done": "Closed", "Closed": "Closed"},
    priorities=("Low", "Medium", "High"),
    crm_users=(
        CrmUser("u1", "ana.crm@clinic.example", "z1"),
        CrmUser("u2", "bo@clinic.example", None),
    ),
)

_COLUMNS = {
    "ticket_id": "varchar",
    "ticket_number": "varchar",
    "presence": "varchar",
    "department_id": "varchar",
    "department": "varchar",
    "assignee_id": "varchar",
    "assignee": "varchar",
    "team_id": "varchar",
    "team": "varchar",
    "status": "varchar",
    "status_type": "varchar",
    "row_status_type": "varchar",
    "tags_read_at": "timestamp",
    "tags_current": "boolean",
    "is_emptied": "boolean",
    "tags": "varchar[]",
    "subject": "varchar",
    "description": "varchar",
    "priority": "varchar",
    "category": "varchar",
    "sub_category": "varchar",
    "classification": "varchar",
    "channel": "varchar",
    "language": "varchar",
    "due": "timestamp",
    "created": "timestamp",
    "email": "varchar",
    "contact_owner": "varchar",
    "account_sla_tier": "varchar",
    "cf": "json",
}
_NAMES = {"department": {one.id: one.name for one in PORTAL.departments}}
_MAILS = {agent.id: agent.email for agent in PORTAL.agents}
_TEAMS = {team.id: team.name for team in PORTAL.teams}


def ticket(number: int, **cells: Any) -> Row:
    """One row of `zdsync.rule_tickets`: open, in Support, tags read, unless told otherwise."""
    row: Row = {
        "ticket_id": f"T{number}",
        "ticket_number": str(number),
        "presence": "live",
        "department_id": SUPPORT,
        "status": "Open",
        "status_type": "Open",
        "tags_read_at": "2026-03-01 00:00:00",
        "tags_current": cells.get("tags", []) is not None,
        "is_emptied": False,
        "tags": [],
        "created": f"2026-02-01 00:{number % 60:02d}:00",
        "cf": {},
        **cells,
    }
    row["department"] = _NAMES["department"].get(row["department_id"])
    row["assignee"] = _MAILS.get(row.get("assignee_id") or "")
    row["team"] = _TEAMS.get(row.get("team_id") or "")
    row["row_status_type"] = row["status_type"]
    return row


class Mirror:
    """A mirror of the columns that rules see, in DuckDB's memory; takes back what Zoho answers."""

    def __init__(self, tickets: Sequence[Row]) -> None:
        self.connection = duckdb.connect()
        self.tickets = {row["ticket_id"]: dict(row) for row in tickets}
        self.upserts = 0
        self.carried: dict[str, str] = {}
        self.fail: Exception | None = None
        run = self.connection.execute
        run("create schema zdsync; create schema desk")
        columns = ", ".join(f"{name} {kind}" for name, kind in _COLUMNS.items())
        run(f"create table zdsync.rule_tickets ({columns})")
        run(
            "create table zdsync.folded"
            " (ticket_id varchar, digest varchar, subject varchar, description varchar)"
        )
        run(
            "create table zdsync.text_hits"
            " (ticket_id varchar, digest varchar, asked integer, found varchar,"
            " subject varchar)"
        )
        run("create table zdsync.rule_settled (ticket_id varchar, state ubigint, key varchar)")
        run("create table zdsync.text_asked (id integer, names varchar[])")
        run(
            "create table desk.teams"
            " (id varchar, agents varchar[], derived_agents varchar[], presence varchar)"
        )
        run(
            "insert into desk.teams values ('t1', ['a1','a2','a3'], null, 'live'),"
            " ('t2', ['a3'], null, 'live')"
        )
        run(
            "create table zdsync.journal (rule_id varchar, ticket_id varchar, field varchar,"
            " outcome varchar, intended_at timestamp, settled_at timestamp)"
        )
        run("create view desk.tickets as select *, ticket_id as id from zdsync.rule_tickets")
        run(
            "create view zdsync.open_tickets as select *, ticket_id as id from zdsync.rule_tickets"
            " where presence = 'live' and status_type is distinct from 'Closed'"
        )
        self._load()

    def _load(self) -> None:
        self.connection.execute("delete from zdsync.rule_tickets")
        names = list(_COLUMNS)
        kinds = orjson.dumps({name: kind.upper() for name, kind in _COLUMNS.items()}).decode()
        rows = orjson.dumps([{n: r.get(n) for n in names} for r in self.tickets.values()]).decode()
        self.connection.execute(
            "insert into zdsync.rule_tickets select unnest(r) from"
            f" (select unnest(from_json(?, '[{kinds}]')) r)",
            [rows],
        )

    def rows(self, sql: Sql) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.text, sql.params or None).fetchall()

    def run(self, sql: Sql) -> None:
        self.rows(sql)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def upsert(self, batch: RecordBatch, *, actor: str, own: Collection[tuple[str, str]]) -> int:
        assert actor == "zdsync"
        assert {ticket for ticket, _ in own} <= self.tickets.keys()
        if self.fail:
            raise self.fail
        self.upserts += 1
        for row in batch.rows:
            known = self.tickets[row["id"]]
            shared = {name: row[name] for name in _COLUMNS if name in row}
            spam = row.get("is_spam")
            self.tickets[row["id"]] = ticket(0, **{**known, **shared})
            self.tickets[row["id"]]["presence"] = "spam" if spam else "live"
        self._load()
        return len(batch.rows)

    def carry(self, before: Mapping[str, str]) -> None:
        self.carried.update(before)

    def wrote(self, written: Mapping[str, tuple[str, datetime]]) -> None:
        self.written = dict(written)

    def set_tags(
        self,
        tags_of: Mapping[str, Sequence[str]],
        read_at: datetime,
        *,
        actor: str,
        own: Collection[tuple[str, str]],
    ) -> None:
        for ticket_id, names in tags_of.items():
            self.tickets[ticket_id]["tags"] = list(names)
        self._load()


@dataclass
class Speech:
    """What is said in the tickets of a Desk; kept as (ticket, kind, content)."""

    desk: Desk
    said: list[tuple[str, str, str]] = field(default_factory=list)
    own: frozenset[str] | None = frozenset({"support@clinic.example"})

    def add_comment(self, ticket_id: str, content: str, *, public: bool) -> None:
        self.desk.call("comment", ticket_id, public)
        self.said.append((ticket_id, "comment", content))
        row = self.desk.tickets[ticket_id]
        row["comment_count"] = row.get("comment_count", 0) + 1

    def send_reply(self, ticket_id: str, content: str, *, sender: str, to: str) -> None:
        self.desk.call("reply", ticket_id, (sender, to))
        self.said.append((ticket_id, "reply", content))

    def reply_addresses(self, sender: str = "") -> frozenset[str] | None:
        return self.own

    def finds_comment(self, ticket_id: str, ours: Callable[[str], bool]) -> bool:
        return self._finds(ticket_id, "comment", ours)

    def finds_reply(self, ticket_id: str, ours: Callable[[str], bool], *, since: datetime) -> bool:
        return self._finds(ticket_id, "reply", ours)

    def _finds(self, ticket_id: str, kind: str, ours: Callable[[str], bool]) -> bool:
        self.desk.call("detail", ticket_id)
        return any(ours(text) for one, what, text in self.said if (one, what) == (ticket_id, kind))


@dataclass
class History:
    """What a Desk's History tells."""

    desk: Desk

    def of(
        self,
        ticket_id: str,
        since: datetime,
        pay: Callable[[float], bool],
        more: Collection[str] = (),
    ) -> list[Told] | None:
        self.desk.call("history", ticket_id)
        return self.desk.told if pay(3.0) else None


@dataclass
class Desk:
    """Zoho Desk in memory; `calls` is what it was asked, `before` runs ahead of each call."""

    tickets: dict[str, Row]
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    refuse: dict[str, Callable[[str, Any], None]] = field(default_factory=dict)
    before: Callable[[str], None] = lambda name: None
    answers: frozenset[str] | None = None  # the keys that a PATCH answers, None for all
    told: list[Told] = field(default_factory=list)  # what History tells, whatever the ticket
    empties: bool = False  # a move takes the agent and the team even where they belong
    speech: Speech = field(init=False)
    history: History = field(init=False)
    latest: float = 0.0  # until when the last write might have been sent

    def __post_init__(self) -> None:
        self.speech = Speech(self)
        self.history = History(self)

    @contextmanager
    def until(self, latest: float) -> Iterator[None]:
        self.latest = latest
        yield

    @classmethod
    def of(cls, mirror: Mirror) -> Desk:
        found = {}
        for key, row in mirror.tickets.items():
            known = {"id": key, "is_spam": False, "modified_time": "2026-03-02 08:00:00"}
            found[key] = {**row, **known, "cf": dict(row["cf"])}
        return cls(found)

    def call(self, name: str, ticket_id: str, *more: Any) -> None:
        self.before(name)
        self.calls.append((name, ticket_id, *more))
        if name in self.refuse:
            self.refuse[name](ticket_id, more[0] if more else None)

    @property
    def writes(self) -> list[tuple[Any, ...]]:
        return [call for call in self.calls if call[0] not in {"detail", "tags_of", "history"}]

    def detail(self, spec: StreamSpec, id: str) -> Row | None:
        self.call("detail", id)
        row = self.tickets.get(id)
        return {**row, "cf": dict(row["cf"])} if row else None

    def tags_of(self, ticket_id: str) -> tuple[str, ...]:
        self.call("tags_of", ticket_id)
        return tuple(self.tickets[ticket_id]["tags"])

    def patch_ticket(self, ticket_id: str, body: Mapping[str, Any], *, notify: bool) -> Row:
        self.call("patch", ticket_id, dict(body), notify)
        row = self.tickets[ticket_id]
        keys = {"assigneeId": "assignee_id", "teamId": "team_id", "subCategory": "sub_category"}
        row["cf"].update(body.get("cf", {}))
        row.update({keys.get(k, k): v for k, v in body.items() if k != "cf"})
        row["status_type"] = PORTAL.statuses[row["status"]]
        answered = {**row, "cf": dict(row["cf"])}
        return {k: v for k, v in answered.items() if self.answers is None or k in self.answers}

    def move_ticket(self, ticket_id: str, department_id: str) -> None:
        self.call("move", ticket_id, department_id)
        row = self.tickets[ticket_id]
        row["department_id"] = department_id
        agents = {agent.id: agent for agent in PORTAL.agents}
        agent = agents.get(row.get("assignee_id") or "")
        if agent and (self.empties or department_id not in agent.departments):
            row["assignee_id"] = None
        team = {team.id: team for team in PORTAL.teams}.get(row.get("team_id") or "")
        if team and (self.empties or team.department_id != department_id):
            row["team_id"] = None

    def add_tags(self, ticket_id: str, names: Sequence[str]) -> None:
        self.call("add_tags", ticket_id, list(names))
        self.tickets[ticket_id]["tags"] = [*self.tickets[ticket_id]["tags"], *names]

    def remove_tags(self, ticket_id: str, names: Sequence[str]) -> None:
        self.call("remove_tags", ticket_id, list(names))
        kept = [tag for tag in self.tickets[ticket_id]["tags"] if tag not in names]
        self.tickets[ticket_id]["tags"] = kept

    def mark_spam(self, ticket_id: str) -> None:
        self.call("spam", ticket_id)
        self.tickets[ticket_id]["is_spam"] = True

    def unmark_spam(self, ticket_id: str) -> None:
        self.call("unspam", ticket_id)
        self.tickets[ticket_id]["is_spam"] = False


def rule(
    name: str, *actions: Action, where: str = "TRUE", index: int = 0, **more: Any
) -> CompiledRule:
    """A compiled rule in mode apply."""
    known: dict[str, Any] = {
        "why": "",
        "mode": "apply",
        "reads": (),
        "streams": frozenset({"desk.tickets"}),
        "evidence": (),
        "folds": (),
        "reads_tags": False,
        "needs_text": False,
        **more,
    }
    return CompiledRule(id=name, where=Sql(where), actions=actions, index=index, **known)


def text_field(name: str, column: str | None = None) -> RuleField:
    return RuleField(name, "text", column or name, frozenset({"desk.tickets"}))


def evaluated(mirror: Mirror, *rules: CompiledRule, **more: Any) -> Evaluation:
    """Evaluate; the order given is the order of the rules."""
    from dataclasses import replace

    ordered = [replace(one, index=index) for index, one in enumerate(rules)]
    portal = more.pop("portal", PORTAL)
    return evaluate(mirror, ordered, portal, as_of=NOW, rules_digest="rules", **more)


def planned(mirror: Mirror, *rules: CompiledRule, **more: Any) -> Plan:
    return evaluated(mirror, *rules, **more).plan()


def brief(plan: Plan) -> list[tuple[str, str, Any, Any]]:
    """The changes as (ticket, field, before, after)."""
    return [(one.ticket_id, one.field, one.before, one.after) for one in plan.changes]
