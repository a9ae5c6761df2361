"""The changes of a plan as a table a rule: what all of them share is said once, above the rows.

Fitted to whatever width it is drawn at; evidence that finds no room beside a row stands below it.
Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from zdsync.changes.lines import Hanging, count, name_of
from zdsync.changes.wire import same
from zdsync.model import Change, Scalar
from zdsync.rules.hits import LONG
from zdsync.rules.markup import strip_html
from zdsync.text import printable

_GAP = 2
_WIDEST = (20, 24, 32, 2, 32)  # ticket, field, before, arrow, after
_LEAST = (20, 10, 8, 2, 8)  # the ticket's number is never cut
_REASON = 24  # evidence with less room than this stands below its row
_TEXT = 200  # cells of a text that would be said
_VALUE = 60  # cells of one value of evidence


@dataclass(frozen=True, slots=True)
class Tables:
    """All changes, at most `most` rows of a rule (None: all); `rest` tells where the others are."""

    changes: Sequence[Change]
    most: int | None
    rest: str = "zdsync plan --rule {rule} shows all"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for rule, group in groupby(self.changes, key=lambda one: one.rule):
            arrow = "->" if options.ascii_only else "→"
            rows = list(group)
            yield from _Table(rows, self.most, printable(rule, 60), arrow, self.rest).lines(
                options.max_width
            )


@dataclass(frozen=True, slots=True)
class _Table:
    """The changes of one rule."""

    some: Sequence[Change]
    most: int | None
    rule: str
    arrow: str
    rest: str

    def lines(self, room: int) -> Iterator[Text | Hanging]:
        """The title, what all tickets share, a line a change, how many more there are."""
        yield _title(self.some, self.rule)
        shared = _shared(self.some)
        if shared:
            yield Hanging(Text.assemble("  because ", _told(shared), style="dim"), " " * 10)
        changes = self.some[: self.most]
        rows = [_cells(change, self.arrow) for change in changes]
        widths = _widths(rows, room)
        left = room - sum(widths) - _GAP * len(widths)
        before = ""
        for change, row in zip(changes, rows, strict=True):
            again = change.ticket_id == before and not change.text
            reason = "" if again else _reason(change, shared)
            yield from _row(row, widths, reason, left)
            before = change.ticket_id
        if more := len(self.some) - len(changes):
            rest = self.rest.format(rule=self.rule)
            yield Text(f"… and {more:,} more; {rest}", style="dim")


def _title(some: Sequence[Change], rule: str) -> Text:
    tickets = len({one.ticket_id for one in some})
    would = "would make" if some[0].mode == "plan" else "makes"
    told = f"{would} {count(len(some), 'change')} on {count(tickets, 'ticket')}"
    return Text(f"\n{rule}: {told}", style="bold cyan")


def _shared(some: Sequence[Change]) -> dict[str, Scalar]:
    """The evidence that is the same for every ticket of a rule; of one ticket, all of it."""
    first, *others = some
    kept = dict(first.evidence)
    seen: Mapping[str, Scalar] = first.evidence
    for one in others:
        if one.evidence is not seen:  # the changes of one ticket share one evidence
            seen = one.evidence
            kept = {name: value for name, value in kept.items() if seen.get(name) == value}
    return kept


def _reason(change: Change, shared: Mapping[str, Scalar]) -> str:
    if change.text:  # on the terminal only: a document may be kept
        return printable(strip_html(change.text), _TEXT)
    own = {name: value for name, value in change.evidence.items() if name not in shared}
    again = "given again after the move" if same(change.before, change.after) else ""
    return ", ".join(one for one in (again, _told(own)) if one)


def _told(evidence: Mapping[str, Scalar]) -> str:
    """Words that were found in a long text come first: they are what a person looks for."""
    ordered = sorted(evidence.items(), key=lambda pair: pair[0] not in LONG)
    return ", ".join(f"{name}={shown(value, _VALUE)}" for name, value in ordered)


def _cells(change: Change, arrow: str) -> list[str]:
    return [
        printable(change.ticket_number or change.ticket_id, 20),
        name_of(change.field),
        shown(change.before),
        arrow,
        shown(change.after),
    ]


def _widths(rows: Sequence[Sequence[str]], room: int) -> list[int]:
    """As wide as the cells need, narrower values where the terminal ends."""
    wide = [max(cell_len(row[place]) for row in rows) for place in range(len(_WIDEST))]
    widths = [min(have, most) for have, most in zip(wide, _WIDEST, strict=True)]
    for place in (4, 2, 1):
        over = sum(widths) + _GAP * (len(widths) - 1) - room
        least = min(widths[place], _LEAST[place])
        widths[place] = max(least, widths[place] - max(0, over))
    return widths


def _row(
    cells: Sequence[str], widths: Sequence[int], reason: str, left: int
) -> Iterator[Text | Hanging]:
    line = Text(no_wrap=True, overflow="ellipsis")
    for place, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        fitted = Text(printable(cell, width))
        fitted.align("right" if place == 0 else "left", width)
        line.append_text(fitted).append(" " * _GAP)
    beside = left >= min(_REASON, cell_len(reason)) and left > 0
    if beside and reason:
        line.append(printable(reason, left), style="dim")
    line.rstrip()
    yield line
    if reason and not beside:
        indent = " " * (widths[0] + _GAP)
        yield Hanging(Text.assemble(indent, reason, style="dim"), indent)


def shown(value: Scalar, width: int = 32) -> str:
    """Write a value of a change; nothing is a dash."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return printable(value, width) if value not in {None, ""} else "–"
