"""The plan for people (rich) and for programs (the JSON document of interface.md).

Promises that no control character of a record reaches the terminal, and that a plan of 500 rows
stays readable: at most `most` rows per rule. Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from zdsync.changes.apply import Applied
from zdsync.changes.plan import Plan, Skipped
from zdsync.changes.wire import is_tag
from zdsync.model import Change, Scalar
from zdsync.rules.markup import strip_html
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
    parts: list[RenderableType] = [_Tables(plan.changes, most)] if plan.changes else []
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
    read = f" Reading for it cost {plan.cost.read_credits:g} credits." * bool(plan.cost.read_calls)
    if not writes:
        return f"Nothing to apply{shown}.{read}"
    what = f"{_count(len(writes), 'change')} on {_count(tickets, 'ticket')}"
    return (
        f"Plan {plan.plan_id}: {what}{shown}; "
        f"applying costs at most {plan.cost.calls} calls, {plan.cost.credits:g} credits.{read}"
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


@dataclass(frozen=True, slots=True)
class _Tables:
    """A title and a table per rule, fitted to whatever width they are drawn at."""

    changes: Sequence[Change]
    most: int

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for _, group in groupby(self.changes, key=lambda one: one.rule):
            some = list(group)
            rows = [_cells(change) for change in some[: self.most]]
            widths = _widths(rows, options.max_width)
            yield _title(some)
            table = Table(box=None, pad_edge=False, show_header=False, padding=(0, _GAP, 0, 0))
            for (justify, style), width in zip(_COLUMNS, widths, strict=False):
                table.add_column(
                    justify=justify, style=style, width=width, no_wrap=True, overflow="ellipsis"
                )
            for row in rows:
                table.add_row(*(Text(cell) for cell in row[: len(widths)]))
            yield table
            if len(some) > self.most:
                yield Text(f"… and {len(some) - self.most} more", style="dim")


_GAP = 2
_COLUMNS: tuple[tuple[JustifyMethod, str], ...] = (
    *(("right", ""), ("left", ""), ("left", ""), ("left", ""), ("left", "")),
    ("left", "dim"),
)
_WIDEST = (20, 24, 26, 1, 26, 90)
_REASON = 20  # evidence that has less room is left out; --json has it


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """Widths of ticket, field, before, arrow, after and, where there is room, evidence."""
    wide = [max(cell_len(row[place]) for row in rows) for place in range(len(_WIDEST))]
    widths = [min(have, most) for have, most in zip(wide, _WIDEST, strict=True)]
    *told, reason = widths
    left = room - sum(told) - _GAP * len(told)
    if left >= _REASON:
        return [*told, min(reason, left - _GAP)]
    for place, least in ((4, 8), (2, 8), (1, 10)):  # the ticket's number is never cut
        over = sum(told) + _GAP * (len(told) - 1) - room
        told[place] = max(min(told[place], least), told[place] - max(0, over))
    return told


def _title(changes: Sequence[Change]) -> Text:
    tickets = len({one.ticket_id for one in changes})
    would = "would make" if changes[0].mode == "plan" else "makes"
    count = f"{would} {_count(len(changes), 'change')} on {_count(tickets, 'ticket')}"
    return Text(f"\n{printable(changes[0].rule, 60)}: {count}", style="bold cyan")


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _cells(change: Change) -> list[str]:
    return [
        printable(change.ticket_number or change.ticket_id, 20),
        _name(change.field),
        _shown(change.before),
        "→",
        _shown(change.after),
        _because(change),
    ]


def _because(change: Change) -> str:
    if change.text:  # on the terminal only: a document may be kept
        return printable(strip_html(change.text), 90)
    seen = (f"{name}={_shown(value)}" for name, value in change.evidence.items())
    return printable(", ".join(seen), 90)


def _name(field: str) -> str:
    named = is_tag(field) or field.startswith("notify:")
    return printable(field.replace(":", " ", 1) if named else field, 24)


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
