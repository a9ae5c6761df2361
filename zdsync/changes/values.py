"""How the tickets stand that rules may change: their fixed columns and the fields that rules set.

SQL over `t`, a row of the ground, and what is read of it; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from zdsync.changes.giving import fills
from zdsync.changes.matches import Matches, Ticket
from zdsync.changes.store import Queries, query, texts
from zdsync.changes.wire import PATCHED, custom_name, field_name
from zdsync.model import Portal
from zdsync.rules.compiled import Close, CompiledRule, SetField, Tags
from zdsync.rules.due import shown
from zdsync.sql import Sql, ident, join

FIXED = (
    *("t.ticket_id", "t.ticket_number", "t.department_id", "t.department", "t.assignee_id"),
    *("t.assignee", "t.team_id", "t.team", "t.status", "t.status_type"),
    *("t.tags", "t.tags_current", "t.created"),
)
_VALUES = len(FIXED)  # behind them
_PRIORITIES = ("Low", "Medium", "High")  # Zoho's own, where the portal's are not known


def ranks(priorities: Sequence[str]) -> dict[str, int]:
    """How urgent the portal's priorities are, by their folded names; `priorities` least first."""
    order = priorities or _PRIORITIES
    return {name.casefold(): rank for rank, name in enumerate(order)}


def settable(rules: Iterable[CompiledRule], portal: Portal) -> list[str]:
    """The fields that some rule sets, by their name in the language."""
    actions = [action for rule in rules for action in rule.actions]
    fields = {action.field for action in actions if isinstance(action, SetField)}
    if any(isinstance(action, Close) for action in actions):
        fields.add(field_name(portal.outcome_field))
    return sorted(fields)


def value(name: str) -> Sql:
    """The present value of a field that rules set, as text."""
    if custom := custom_name(name):
        return Sql("json_extract_string(t.cf, ?)", (f'$."{custom}"',))
    if name not in PATCHED or name == "resolution":  # the ground has no such column
        return Sql("NULL")
    if name == "due":
        return shown(Sql("t.due"))
    return Sql(f"CAST(t.{ident(name)} AS VARCHAR)")


def tickets_of(
    mirror: Queries, matches: Sequence[Matches], portal: Portal, ground: str
) -> dict[str, Ticket]:
    """Read how the matched tickets stand, with the fields that some rule sets."""
    rules = [some.rule for some in matches]
    tagged = any(isinstance(action, Tags) for rule in rules for action in rule.actions)
    aged = any(fills(rule) for rule in rules)
    unread = ({"t.tags", "t.tags_current"} if not tagged else set()) | (
        {"t.created"} if not aged else set()
    )
    fields = settable(rules, portal)
    columns = [Sql("NULL" if name in unread else name) for name in FIXED]
    columns += [value(name) for name in fields]
    ids = texts(dict.fromkeys(row[0] for some in matches for row in some.rows))
    source = f"FROM {ground} AS t WHERE t.ticket_id IN ("
    tickets: dict[str, Ticket] = {}
    # Equal values are one object: many tickets have no tags, or the same priority and category.
    sets: dict[tuple[str, ...], frozenset[str]] = {}
    valued: dict[tuple[Any, ...], dict[str, Any]] = {}
    standing: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in mirror.rows(query("SELECT", join(", ", columns), source, ids, ")")):
        known = None
        if row[10] is not None:
            names = tuple(row[10])
            known = sets.get(names)
            if known is None:
                known = sets[names] = frozenset(tag.casefold() for tag in names)
        cells = row[_VALUES:]
        values = valued.get(cells)
        if values is None:
            values = valued[cells] = dict(zip(fields, cells, strict=True))
        stands = standing.setdefault(row[2:10], row[2:10])
        told = (row[0], row[1] or "", *stands, known, bool(row[11]), values, row[12])
        tickets[row[0]] = Ticket._make(told)
    return tickets
