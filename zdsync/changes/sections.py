"""What a plan does not do, and why: by rule, then by reason, with tickets as examples.

Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.console import RenderableType
from rich.text import Text

from zdsync.changes.lines import Hanging, name_of
from zdsync.changes.plan import Breach, Plan
from zdsync.changes.silence import WAITS
from zdsync.changes.tables import shown
from zdsync.text import printable

_TICKETS = 8  # named as examples of one reason


class _Left(NamedTuple):
    """One value that was not planned: whose, why, of which ticket."""

    rule: str
    reason: str
    ticket: str


def sections(plan: Plan, most: int | None) -> Iterator[RenderableType]:
    """Everything beside the changes; at most `most` reasons of a rule (None: all)."""
    yield from _by_rule("Shadowed: a rule above decided otherwise", _shadowed(plan), most)
    yield from _by_rule("Unresolved: nobody to give it to", _unresolved(plan), most)
    yield from _by_rule("Held: a person decided", _held(plan), most)
    skipped = [f"{printable(one.rule, 60)}: {printable(one.reason)}" for one in plan.skipped]
    yield from _listed("Skipped", skipped, None)
    over = "Limits for unattended ticks that this plan exceeds"
    yield from _listed(over, map(_breach, plan.breaches), most)


def _shadowed(plan: Plan) -> Iterator[_Left]:
    for one in plan.shadowed:
        reason = f"{name_of(one.field)} {shown(one.value)}: {printable(one.by, 60)} decides"
        yield _Left(one.rule, reason, one.ticket_number or one.ticket_id)


def _unresolved(plan: Plan) -> Iterator[_Left]:
    for one in plan.unresolved:
        yield _Left(one.rule, printable(one.reason), one.ticket_number or one.ticket_id)


def _held(plan: Plan) -> Iterator[_Left]:
    for one in plan.held:
        stays = f" {shown(one.wanted)}: {shown(one.value)} stays, {one.reason}"
        reason = name_of(one.field) + (f": {one.reason}" if one.kind == WAITS else stays)
        yield _Left(one.rule, reason, one.ticket_number or one.ticket_id)


def _breach(one: Breach) -> str:
    rule = f" ({printable(one.rule, 60)})" if one.rule else ""
    return f"{one.limit}{rule}: {one.allowed:g} allowed, {one.found:g} found"


def _by_rule(title: str, some: Iterable[_Left], most: int | None) -> Iterator[RenderableType]:
    """The most frequent reason first; tickets in the order of the plan."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    total = 0
    for one in some:
        found[one.rule][one.reason].append(one.ticket)
        total += 1
    if not total:
        return
    yield _title(title, total)
    for rule, reasons in found.items():
        whole = sum(map(len, reasons.values()))
        yield Text(f"  {printable(rule, 60)} ({whole:,})")
        ordered = sorted(reasons.items(), key=lambda pair: -len(pair[1]))
        wide = len(f"{len(ordered[0][1]):,}")
        for reason, tickets in ordered[:most]:
            yield _line(f"{len(tickets):>{wide},}", reason, tickets)
        if most is not None and len(ordered) > most:
            rest = whole - sum(len(tickets) for _, tickets in ordered[:most])
            yield Text(f"    … and {rest:,} more; --json has all", style="dim")


def _line(many: str, reason: str, tickets: Sequence[str]) -> Hanging:
    named = ", ".join(printable(one, 20) for one in tickets[:_TICKETS])
    more = f", … and {len(tickets) - _TICKETS:,} more" if len(tickets) > _TICKETS else ""
    text = Text.assemble(f"    {many}  {reason}", (f": {named}{more}", "dim"))
    return Hanging(text, " " * (len(many) + 6))


def _listed(title: str, lines: Iterable[str], most: int | None) -> Iterator[RenderableType]:
    found = list(lines)
    if found:
        yield _title(title, len(found))
        yield from (Hanging(Text(f"  {line}"), "    ") for line in found[:most])
    if most is not None and len(found) > most:
        yield Text(f"  … and {len(found) - most:,} more", style="dim")


def _title(title: str, number: int) -> Text:
    return Text(f"\n{title} ({number:,})", style="bold")
