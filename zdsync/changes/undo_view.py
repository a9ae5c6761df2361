"""An undo for people (rich) and for programs (one JSON document).

Values of fields are those that zdsync wrote; of what others wrote only who and when is told. Must
not print: the caller owns stdout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from zdsync.changes.apply import Applied
from zdsync.changes.lines import Hanging, count, name_of
from zdsync.changes.render import plan_document, summary
from zdsync.changes.tables import Tables
from zdsync.changes.undo import Left, Undo
from zdsync.text import printable

_TICKETS = 8  # named as examples of one reason


def undo_view(undo: Undo, most: int | None) -> RenderableType:
    """What goes back, what cannot and why, what it costs; `most` rows of a kind (None: all)."""
    plan = undo.plan
    parts: list[RenderableType] = [Text(f"Undo of run {undo.run_id}", style="bold")]
    if plan.changes:
        parts.append(Tables(plan.changes, most, "--json shows all"))
    parts += _listed(undo.left)
    if undo.already:
        parts.append(Text(f"\nAlready as before: {count(len(undo.already), 'field')}."))
    said = summary(plan) if plan.writes else _nothing(undo)
    return Group(*parts, Text(), Hanging(Text(said, style="bold"), ""))


def left_view(undo: Undo) -> RenderableType:
    """What is not undone, and why."""
    return Group(*_listed(undo.left))


def undo_document(undo: Undo, applied: Applied | None) -> dict[str, Any]:
    """The undo as one JSON-ready document: that of its plan, and what is special about it."""
    return {
        **plan_document(undo.plan),
        "undoes": undo.run_id,
        "already": [_told(one) for one in undo.already],
        "left": [asdict(one) for one in undo.left],
        "applied": None if applied is None else _applied(applied),
    }


def _told(one: Left) -> dict[str, str]:
    return {name: value for name, value in asdict(one).items() if name != "reason"}


def _applied(applied: Applied) -> dict[str, Any]:
    failures = [
        {
            "change_id": change.change_id,
            "ticket_id": change.ticket_id,
            "field": change.field,
            "outcome": receipt.outcome,
            "error": receipt.error,
        }
        for change, receipt in applied.failures
    ]
    return {
        "run_id": applied.run_id,
        "outcomes": dict(applied.outcomes),
        "failures": failures,
        "left": applied.left,
        "halted": applied.halted,
    }


def _nothing(undo: Undo) -> str:
    if undo.left:
        return "Nothing can be undone."
    return "Everything is as before." if undo.already else "This run wrote nothing."


def _listed(left: Sequence[Left]) -> Iterator[RenderableType]:
    """What is not undone, by reason; the most frequent first."""
    if not left:
        return
    yield Text(f"\nNot undone ({len(left):,})", style="bold")
    reasons: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in left:
        reasons[name_of(one.field), one.reason].append(one.ticket_number or one.ticket_id)
    for (field, reason), tickets in sorted(reasons.items(), key=lambda pair: -len(pair[1])):
        named = ", ".join(printable(one, 20) for one in tickets[:_TICKETS])
        more = f", … and {len(tickets) - _TICKETS:,} more" if len(tickets) > _TICKETS else ""
        line = f"  {len(tickets):,}  {field}: {printable(reason, 160)}"
        yield Hanging(Text.assemble(line, (f": {named}{more}", "dim")), "     ")
