"""From drafts to changes: ids, the API's words, and the evidence that made the ticket hit.

Promises that evidence is read of changed tickets only, and that a text in it has at most 80
characters; of a long text it names the words that were found. Must not decide anything.
"""

# ruff: noqa: S608 - all that is put together here are constants and own names, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from zdsync.changes import spoken
from zdsync.changes.drafts import Draft
from zdsync.changes.ground import batches, folded
from zdsync.changes.plan import change_id
from zdsync.changes.store import Queries, query, table, texts
from zdsync.changes.wire import whom, wire
from zdsync.model import Change, Scalar
from zdsync.sql import Sql, join

_NOTHING: Mapping[str, Scalar] = {}
_CUT = 80  # characters of a long text that evidence shows

_BEGINNINGS = f"""
CREATE OR REPLACE TEMP TABLE rule_beginnings AS
SELECT t.id AS ticket_id, left(t.description, {_CUT + 20}) AS description FROM desk.tickets t
"""
_SHOWN = """
CREATE OR REPLACE TEMP VIEW rule_shown AS SELECT r.*, b.description
FROM rule_base r LEFT JOIN rule_beginnings b ON b.ticket_id = r.ticket_id
"""
_TEXTS = "SELECT t.id, t.subject, t.description FROM desk.tickets t"
_WORDS = """
CREATE OR REPLACE TEMP TABLE rule_words (ticket_id VARCHAR, subject VARCHAR, description VARCHAR,
    subject_folded VARCHAR, description_folded VARCHAR)
"""
_ADD_WORDS = "INSERT INTO rule_words SELECT r[1], r[2], r[3], r[4], r[5]"
# Tickets of one rule, the first of the plan, of whose texts the words are sought: a plan of 25,000
# changes must not wait for what nobody reads (36,000 texts: 0.5 s).
_WORDED = 1_000


def make_changes(
    mirror: Queries, drafts: list[Draft], ground: str = "rule_ground"
) -> tuple[Change, ...]:
    """Make changes of drafts, which are used up: in the order of the rules, then of the numbers.

    Rule by rule, and equal evidence is one object: the values of all fields of all tickets at once
    took half a gigabyte (225,000 changes).
    """
    by_rule = _by_rule(drafts)
    drafts.clear()
    shown, worded = _shown_texts(mirror, ground, by_rule), _worded(mirror, ground, by_rule)
    changes: list[Change] = []
    wires: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for some in by_rule:
        found = _evidence(mirror, shown, worded, some)
        counts = _counts(mirror, ground, some)
        changes += [
            _change(draft, found[draft.ticket.id], counts.get(draft.ticket.id, _NOTHING), wires)
            for draft in some
        ]
        some.clear()
    return tuple(changes)


def _by_rule(drafts: Iterable[Draft]) -> list[list[Draft]]:
    found: dict[int, list[Draft]] = {}
    for draft in drafts:
        found.setdefault(draft.rule.index, []).append(draft)
    return [sorted(found[index], key=_order) for index in sorted(found)]


def _shown_texts(mirror: Queries, ground: str, by_rule: Iterable[Sequence[Draft]]) -> str:
    """Where the values of evidence stand; of a description only how it begins is read, and once."""
    if ground == "rule_ground":
        return ground
    ids: dict[str, None] = {}
    for some in by_rule:
        if any("description" in sql.text for _, sql in some[0].rule.evidence):
            ids |= dict.fromkeys(one.ticket.id for one in some)
    if not ids:
        return "rule_base"
    mirror.run(query(_BEGINNINGS, "WHERE t.id IN (", texts(ids), ")"))
    mirror.run(Sql(_SHOWN))
    return "rule_shown"


def _worded(mirror: Queries, ground: str, by_rule: Iterable[Sequence[Draft]]) -> str:
    """Where the words are sought that texts hold; of many tickets their texts are read once."""
    if ground == "rule_ground":
        return ground
    ids: dict[str, None] = {}
    for some in by_rule:
        if some[0].rule.hits:
            ids |= dict.fromkeys(islice(dict.fromkeys(one.ticket.id for one in some), _WORDED))
    mirror.run(Sql(_WORDS))
    for part in batches(list(ids)):
        wanted = query(_TEXTS, "WHERE t.id IN (", texts(part), ")")
        rows = [(one, a, b, folded(a), folded(b)) for one, a, b in mirror.rows(wanted)]
        mirror.run(query(_ADD_WORDS, "FROM (", table(rows), ")"))
    return "rule_words"


def _order(draft: Draft) -> tuple[int, str, str, str]:
    number = draft.ticket.number
    return (len(number), number, draft.ticket.id, draft.field)


def _change(
    draft: Draft,
    evidence: Mapping[str, Scalar],
    saw: Mapping[str, Scalar],
    wires: dict[tuple[Any, ...], Mapping[str, Any]],
) -> Change:
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
        wire=_wire(wires, name, draft.after, draft.after_id),
        wire_before=_wire_before(wires, draft),
        notify=draft.notify,
        was_open=not ticket.closed,
        saw=saw,
        text=draft.text,
    )


def _wire_before(
    wires: dict[tuple[Any, ...], Mapping[str, Any]], draft: Draft
) -> Mapping[str, Any]:
    wired = _wire(wires, draft.field, draft.before, draft.before_id)
    if draft.field != "department":
        return wired
    return {**wired, **whom(draft.ticket.assignee_id, draft.ticket.team_id)}


def _wire(
    known: dict[tuple[Any, ...], Mapping[str, Any]], name: str, value: Scalar, remote: str | None
) -> Mapping[str, Any]:
    key = (name, value, value.__class__, remote)  # 1 and True are one key else
    if key not in known:
        known[key] = wire(name, value, remote)
    return known[key]


def _evidence(
    mirror: Queries, ground: str, worded: str, drafts: Sequence[Draft]
) -> dict[str, Mapping[str, Scalar]]:
    """Read the values that made the changed tickets of one rule hit, by ticket."""
    rule = drafts[0].rule
    ids = dict.fromkeys(draft.ticket.id for draft in drafts)
    kinds = {one.name: one.kind for one in rule.reads}
    columns = [_short(sql, kinds.get(name)) for name, sql in rule.evidence]
    names = [name for name, _ in rule.evidence]
    shared: dict[tuple[Scalar, ...], Mapping[str, Scalar]] = {}
    found: dict[str, Mapping[str, Scalar]] = {}
    for row in _of_tickets(mirror, ground, columns, ids):
        cells = tuple(_cells(row))
        if cells not in shared:
            shared[cells] = dict(zip(names, cells, strict=True))
        found[row[0]] = shared[cells]
    # A text without a word that the rule seeks tells nothing.
    sought = {name for name, _ in rule.hits}
    some = islice(ids, _WORDED)
    for row in _of_tickets(mirror, worded, [sql for _, sql in rule.hits], some) if sought else ():
        hits = zip((name for name, _ in rule.hits), _cells(row), strict=True)
        plain = {name: value for name, value in found[row[0]].items() if name not in sought}
        found[row[0]] = {**plain, **{name: value for name, value in hits if value}}
    return found


def _counts(
    mirror: Queries, ground: str, drafts: Sequence[Draft]
) -> dict[str, Mapping[str, Scalar]]:
    """How much was said in the tickets that a rule on conversations changes."""
    if not spoken.reads(drafts[0].rule):
        return {}
    columns = [Sql(f"t.{name}") for name in spoken.COUNTS]
    rows = _of_tickets(mirror, ground, columns, {draft.ticket.id for draft in drafts})
    return {row[0]: dict(zip(spoken.COUNTS, row[1:], strict=True)) for row in rows}


def _of_tickets(
    mirror: Queries, ground: str, columns: Sequence[Sql], ids: Iterable[str]
) -> list[tuple[Any, ...]]:
    named = join(", ", [Sql("t.ticket_id"), *columns])
    source = f"FROM {ground} AS t WHERE t.ticket_id IN ("
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
