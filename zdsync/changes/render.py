"""The plan for people (rich) and for programs (the JSON document of interface.md).

Promises that no control character of a record reaches the terminal, and that a plan of 500 rows
stays readable: at most `most` rows per rule. Must not print: the caller owns stdout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from zdsync.changes.apply import Applied
from zdsync.changes.lines import Hanging, count, name_of
from zdsync.changes.plan import Cost, Plan
from zdsync.changes.price import KINDS
from zdsync.changes.sections import sections
from zdsync.changes.tables import Tables
from zdsync.model import Change
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


def plan_view(plan: Plan, most: int | None = MOST) -> RenderableType:
    """The plan as a table by rule, then what was not planned and why, then what it costs.

    `most`: rows shown of one rule, None for all.
    """
    parts: list[RenderableType] = [Tables(plan.changes, most)] if plan.changes else []
    parts += sections(plan, most)
    parts += [Text(), Hanging(Text(summary(plan), style="bold"), "")]
    parts += [Hanging(Text(f"  {line}", style="dim"), "  ") for line in _price(plan.cost)]
    return Group(*parts)


def _price(cost: Cost) -> Iterator[str]:
    """What applying costs by kind of call, and what rules in mode plan would add."""
    found = cost.kinds.items()
    kinds = (f"{calls:,} {kind if calls > 1 else KINDS[kind]}" for kind, calls in found)
    if cost.kinds:
        dear = " (3 credits)" if "History reads" in cost.kinds else ""
        yield f"A call is a credit: {', '.join(kinds)}{dear}."
    if cost.if_all_applied > cost.calls:
        yield f"With every rule in mode apply it would cost {count(cost.if_all_applied, 'call')}."


def summary(plan: Plan) -> str:
    """Say in one line what the plan comes to."""
    writes = plan.writes
    tickets = len({change.ticket_id for change in writes})
    would = len(plan.changes) - len(writes)
    shown = f", {would:,} more shown by rules in mode plan" if would else ""
    cost = plan.cost
    calls = count(cost.read_calls, "call")
    read = f" Reading for it cost {calls}, {cost.read_credits:g} credits." * bool(cost.read_calls)
    if not writes:
        return f"Nothing to apply{shown}.{read}"
    what = f"{count(len(writes), 'change')} on {count(tickets, 'ticket')}"
    return (
        f"Plan {plan.plan_id}: {what}{shown}; "
        f"applying costs at most {count(cost.calls, 'call')}, {cost.credits:,g} credits.{read}"
    )


def applied_view(result: Applied, most: int = MOST) -> RenderableType:
    """What became of an applied plan: counts, then each failure with its reason."""
    counts = ", ".join(f"{count} {name}" for name, count in sorted(result.outcomes.items()))
    parts: list[RenderableType] = [Text(f"Run {result.run_id}: {counts or 'nothing written'}.")]
    if result.recovered:
        parts.append(Text(f"{result.recovered} writes of an earlier crash were looked up first."))
    failures = (
        f"{printable(change.ticket_number or change.ticket_id, 20)} {name_of(change.field)}: "
        f"{receipt.outcome}, {printable(receipt.error, 400)}"
        for change, receipt in result.failures
    )
    if result.failures:
        parts.append(Text(f"\nNot written ({len(result.failures)})", style="bold"))
        parts += [Hanging(Text(f"  {line}"), "    ") for line in islice(failures, most)]
    if len(result.failures) > most:
        parts.append(Text(f"  … and {len(result.failures) - most} more; zdsync journal"))
    parts += _races(result)
    if result.halted:
        parts.append(Text("Halted by the brake; `zdsync resume`, then plan again."))
    if result.left:
        parts.append(Text(f"{result.left} changes were not tried."))
    return Group(*parts)


def _races(result: Applied) -> Iterator[RenderableType]:
    """What others may have lost: edits that were overwritten, and how long the gap was."""
    if result.races:
        yield Text(f"\nLost races ({len(result.races)})", style="bold")
    for change, receipt in result.races:
        ticket = printable(change.ticket_number or change.ticket_id, 20)
        line = f"  {ticket} {name_of(change.field)}: {printable(receipt.error, 300)}"
        yield Hanging(Text(line), "    ")
    if result.gap:
        yield Text(
            f"Each write came at most {math.ceil(result.gap * 10) / 10:g} s after its ticket was "
            "read; an edit within that time may be overwritten."
        )
