"""The plan for people (rich) and for programs (the JSON document of interface.md).

Promises that no control character of a record reaches the terminal, and that a plan of 500 rows
stays readable: at most `most` rows per rule. Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from zdsync.changes.apply import Applied
from zdsync.changes.plan import Plan, Skipped
from zdsync.changes.wire import is_tag, tag_name
from zdsync.model import Change, Scalar
from zdsync.text import printable

MOST = 10  # rows shown of one rule


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as one JSON-ready document; its keys are promised (interface.md)."""
    return {
        "plan_id": plan.plan_id,
        "as_of": plan.as_of.isoformat(),
        "changes": [_change(one) for one in plan.changes],
        "shadowed": [asdict(one) for one in plan.shadowed],
        "unresolved": [asdict(one) for one in plan.unresolved],
        "held": [asdict(one) for one in plan.held],
        "skipped": [asdict(one) for one in plan.skipped],
        "breaches": [asdict(one) for one in plan.breaches],
        "cost": asdict(plan.cost),
        "rules_digest": plan.rules_digest,
        "left_to_apply": [_change(one) for one in plan.left_to_apply],
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "change_id": change.change_id,
        "ticket_id": change.ticket_id,
        "ticket_number": change.ticket_number,
        "rule": change.rule,
        "field": change.field,
        "before": change.before,
        "after": change.after,
        "evidence": dict(change.evidence),
        "mode": change.mode,
    }


def plan_view(plan: Plan, most: int = MOST) -> RenderableType:
    """The plan as a table by rule, then what was not planned and why, then what it costs."""
    parts: list[RenderableType] = [*_tables(plan.changes, most)]
    parts += _section("Left to `zdsync apply`, not done unattended", _left(plan), most)
    parts += _section("Shadowed: a rule above decided otherwise", _shadowed(plan), most)
    parts += _section("Unresolved: nobody to give it to", _unresolved(plan), most)
    held = (
        f"{one.ticket_id} {one.field}: {one.rule} wanted {_shown(one.value)}" for one in plan.held
    )
    parts += _section("Held: a person decided", held, most)
    parts += _section("Skipped", (_skip(one) for one in plan.skipped), most)
    passed = (
        f"{one.limit}{f' ({one.rule})' if one.rule else ''}: {one.allowed:g} allowed, "
        f"{one.found:g} found"
        for one in plan.breaches
    )
    parts += _section("Limits for unattended ticks that this plan exceeds", passed, most)
    parts.append(Text(f"\n{summary(plan)}", style="bold"))
    return Group(*parts)


def summary(plan: Plan) -> str:
    """Say in one line what the plan comes to."""
    writes = plan.writes
    tickets = len({change.ticket_id for change in writes})
    would = len(plan.changes) - len(writes)
    shown = f", {would} more shown by rules in mode plan" if would else ""
    if not writes:
        return f"Nothing to apply{shown}."
    what = f"{_count(len(writes), 'change')} on {_count(tickets, 'ticket')}"
    return (
        f"Plan {plan.plan_id}: {what}{shown}; "
        f"applying costs at most {plan.cost.calls} calls, {plan.cost.credits:g} credits."
    )


def applied_view(result: Applied, most: int = MOST) -> RenderableType:
    """What became of an applied plan: counts, then each failure with its reason."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(result.outcomes.items()))
    parts: list[RenderableType] = [Text(f"Run {result.run_id}: {counts or 'nothing written'}.")]
    if result.recovered:
        parts.append(Text(f"{result.recovered} writes of an earlier crash were looked up first."))
    failures = (
        f"{printable(change.ticket_number or change.ticket_id, 20)} {_name(change.field)}: "
        f"{receipt.outcome}, {printable(receipt.error, 100)}"
        for change, receipt in result.failures
    )
    parts += _section("Not written", failures, most)
    if result.halted:
        parts.append(Text("Halted by the brake; `zdsync resume`, then plan again."))
    if result.left:
        parts.append(Text(f"{result.left} changes were not tried."))
    return Group(*parts)


def _tables(changes: Sequence[Change], most: int) -> Iterator[RenderableType]:
    """A title and a table per rule; all tables share their columns' widths."""
    for rule, group in groupby(changes, key=lambda one: one.rule):
        some = list(group)
        tickets = len({one.ticket_id for one in some})
        would = "would make" if some[0].mode == "plan" else "makes"
        count = f"{would} {_count(len(some), 'change')} on {_count(tickets, 'ticket')}"
        yield Text(f"\n{printable(rule, 60)}: {count}", style="bold cyan")
        table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        for options in _COLUMNS:
            table.add_column(**options)
        for change in some[:most]:
            table.add_row(*_cells(change))
        yield table
        if len(some) > most:
            yield Text(f"… and {len(some) - most} more", style="dim")


_COLUMNS: tuple[dict[str, Any], ...] = (
    {"justify": "right", "no_wrap": True, "min_width": 6},
    {"no_wrap": True, "min_width": 14, "max_width": 24},
    {"min_width": 12, "max_width": 32, "overflow": "ellipsis", "no_wrap": True},
    {"no_wrap": True},
    {"min_width": 12, "max_width": 32, "overflow": "ellipsis", "no_wrap": True},
    {"style": "dim", "max_width": 60, "overflow": "ellipsis", "no_wrap": True},
)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cells(change: Change) -> list[Text]:
    return [
        Text(printable(change.ticket_number or change.ticket_id, 20)),
        Text(_name(change.field)),
        Text(_shown(change.before)),
        Text("would →" if change.mode == "plan" else "→"),
        Text(_shown(change.after)),
        Text(_because(change)),
    ]


def _because(change: Change) -> str:
    seen = (f"{name}={_shown(value)}" for name, value in change.evidence.items())
    return printable(", ".join(seen), 60)


def _name(field: str) -> str:
    return printable(f"tag {tag_name(field)}" if is_tag(field) else field, 24)


def _shown(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(value, 32) if value not in {None, ""} else "–"


def _section(title: str, lines: Iterable[str], most: int) -> list[RenderableType]:
    found = list(lines)
    if not found:
        return []
    shown = [Text(f"  {line}") for line in found[:most]]
    if len(found) > most:
        shown.append(Text(f"  … and {len(found) - most} more", style="dim"))
    return [Text(f"\n{title} ({len(found)})", style="bold"), *shown]


def _skip(skipped: Skipped) -> str:
    return f"{printable(skipped.rule, 60)}: {printable(skipped.reason, 160)}"


def _left(plan: Plan) -> Iterator[str]:
    counts = Counter((one.rule, one.field) for one in plan.left_to_apply)
    for (rule, field), count in counts.items():
        yield f"{printable(rule, 60)}: {_name(field)} of {_count(count, 'ticket')}"


def _shadowed(plan: Plan) -> Iterator[str]:
    for one in plan.shadowed:
        ticket = printable(one.ticket_number or one.ticket_id, 20)
        wanted = f"{printable(one.rule, 40)} wanted {_shown(one.value)}"
        yield f"{ticket} {_name(one.field)}: {wanted}, {printable(one.by, 40)} decides"


def _unresolved(plan: Plan) -> Iterator[str]:
    for one in plan.unresolved:
        ticket = printable(one.ticket_number or one.ticket_id, 20)
        yield f"{ticket} {printable(one.rule, 40)}: {printable(one.reason, 120)}"
