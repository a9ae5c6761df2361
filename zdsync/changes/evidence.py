"""From drafts to changes: ids, the API's words, and the evidence that made the ticket hit.

Promises that evidence is read of changed tickets only, and that a text in it has at most 80
characters; of a long text it names the words that were found. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from zdsync.changes import spoken
from zdsync.changes.drafts import Draft
from zdsync.changes.plan import change_id
from zdsync.changes.store import Queries, query, texts
from zdsync.changes.wire import wire
from zdsync.model import Change, Scalar
from zdsync.rules.compiled import CompiledRule
from zdsync.sql import Sql, join

_CUT = 80  # characters of a long text that evidence shows
# Tickets of one rule, the first of the plan, of whose texts the words are sought: a plan of 25,000
# changes must not wait for what nobody reads (36,000 texts: 0.5 s).
_WORDED = 1_000


@dataclass(slots=True)
class _Evidence:
    """Evidence by rule and ticket."""

    shared: dict[str, dict[str, Scalar]] = field(default_factory=dict)
    hits: dict[tuple[str, str], dict[str, Scalar]] = field(default_factory=dict)
    counts: dict[str, dict[str, Scalar]] = field(default_factory=dict)

    def of(self, draft: Draft) -> dict[str, Scalar]:
        """The fields that the rule reads; a text without a word that it seeks tells nothing."""
        known = self.shared[draft.ticket.id]
        words = self.hits.get((draft.rule.id, draft.ticket.id))
        if words is None:
            return {name: known[name] for name, _ in draft.rule.evidence}
        sought = {name for name, _ in draft.rule.hits}
        found = {name: known[name] for name, _ in draft.rule.evidence if name not in sought}
        return {**found, **words}


def make_changes(mirror: Queries, drafts: Sequence[Draft]) -> tuple[Change, ...]:
    """Make changes of drafts: in the order of the rules, then of the ticket numbers."""
    ordered = sorted(drafts, key=_order)
    found = _evidence(mirror, ordered)
    cached: dict[tuple[str, str], dict[str, Scalar]] = {}
    changes: list[Change] = []
    for draft in ordered:
        key = (draft.rule.id, draft.ticket.id)
        known = cached.get(key)
        if known is None:
            known = cached[key] = found.of(draft)
        saw = found.counts[draft.ticket.id] if spoken.reads(draft.rule) else {}
        changes.append(_change(draft, known, saw))
    return tuple(changes)


def _order(draft: Draft) -> tuple[int, int, str, str, str]:
    number = draft.ticket.number
    return (draft.rule.index, len(number), number, draft.ticket.id, draft.field)


def _change(draft: Draft, evidence: Mapping[str, Scalar], saw: Mapping[str, Scalar]) -> Change:
    rule, ticket, name = draft.rule, draft.ticket, draft.field
    return Change(
        change_id=change_id(ticket.id, name, draft.before, draft.after, rule.id),
        ticket_id=ticket.id,
        ticket_number=ticket.number,
        rule=rule.id,
        field=name,
        before=draft.before,
        after=draft.after,
        evidence=evidence,
        mode="apply" if rule.mode == "apply" else "plan",
        wire=wire(name, draft.after, draft.after_id),
        wire_before=wire(name, draft.before, draft.before_id),
        notify=draft.notify,
        was_open=not ticket.closed,
        saw=saw,
        text=draft.text,
    )


def _evidence(mirror: Queries, drafts: Sequence[Draft]) -> _Evidence:
    """Read the values that made the changed tickets hit: one query, and one per rule for hits."""
    found = _Evidence()
    by_rule: dict[str, tuple[CompiledRule, dict[str, None]]] = {}
    for draft in drafts:
        by_rule.setdefault(draft.rule.id, (draft.rule, {}))[1][draft.ticket.id] = None
    wanted = {name: sql for rule, _ in by_rule.values() for name, sql in rule.evidence}
    kinds = {one.name: one.kind for rule, _ in by_rule.values() for one in rule.reads}
    named = [_short(sql, kinds.get(name)) for name, sql in wanted.items()]
    ids = dict.fromkeys(draft.ticket.id for draft in drafts)
    for row in _of_tickets(mirror, named, ids):
        found.shared[row[0]] = dict(zip(wanted, _cells(row), strict=True))
    found.counts = _counts(mirror, by_rule.values())
    for rule, tickets in by_rule.values():
        if rule.hits:
            some = islice(tickets, _WORDED)
            for row in _of_tickets(mirror, [sql for _, sql in rule.hits], some):
                cells = zip((name for name, _ in rule.hits), _cells(row), strict=True)
                found.hits[rule.id, row[0]] = {name: value for name, value in cells if value}
    return found


def _counts(
    mirror: Queries, by_rule: Iterable[tuple[CompiledRule, Iterable[str]]]
) -> dict[str, dict[str, Scalar]]:
    """How much was said in the tickets that rules on conversations change."""
    ids = [one for rule, tickets in by_rule if spoken.reads(rule) for one in tickets]
    columns = [Sql(f"t.{name}") for name in spoken.COUNTS]
    rows = _of_tickets(mirror, columns, ids) if ids else []
    return {row[0]: dict(zip(spoken.COUNTS, row[1:], strict=True)) for row in rows}


def _of_tickets(
    mirror: Queries, columns: Sequence[Sql], ids: Iterable[str]
) -> list[tuple[Any, ...]]:
    named = join(", ", [Sql("t.ticket_id"), *columns])
    source = "FROM rule_ground AS t WHERE t.ticket_id IN ("
    return mirror.rows(query("SELECT", named, source, texts(ids), ")"))


def _short(sql: Sql, kind: str | None) -> Sql:
    return "left(" + sql + f", {_CUT + 1})" if kind == "text" else sql


def _cells(row: tuple[Any, ...]) -> list[Scalar]:
    """The values of a row behind the ticket's id."""
    plain = (str, bool, int)
    return [
        cell if cell.__class__ in plain and len(str(cell)) <= _CUT else _shown(cell)
        for cell in row[1:]
    ]


def _shown(value: Any) -> Scalar:
    """Write a value of evidence; texts are cut to 80 characters."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, list | tuple):
        value = ", ".join(str(one) for one in value)
    if isinstance(value, datetime | date):
        value = value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    text = str(value)
    return text if len(text) <= _CUT else text[: _CUT - 1] + "…"
