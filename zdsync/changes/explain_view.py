"""An explanation for people: a tree a rule, what each condition saw beside it.

Fits any width from 60 columns on and wraps instead of cutting; a terminal without Unicode gets
words and plain strokes. Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text

from zdsync.changes.explanation import Explained, Explanation, Fate, Judged, Value
from zdsync.changes.lines import count, hanging, name_of
from zdsync.changes.wire import is_speech
from zdsync.model import Scalar
from zdsync.rules import fold
from zdsync.text import printable

_OPERANDS = 4  # operands named beside a condition; --json has them all
_GAP = 2


@dataclass(frozen=True, slots=True)
class _Signs:
    """What stands for true, false and unknown, and the strokes of the tree."""

    yes: str = "✓"
    no: str = "✗"
    unknown: str = "?"
    branch: str = "├ "
    last: str = "└ "
    down: str = "│ "
    arrow: str = "→"

    def of(self, holds: bool | None) -> str:
        if holds is None:
            return self.unknown
        return self.yes if holds else self.no


_ASCII = _Signs("yes", "no ", "?  ", "|-", "`-", "| ", "->")
_STYLES = {True: "green", False: "red", None: "yellow"}
_ENDS = {
    "right": "is so already",
    "agreed": "needs no change",
    "shadowed": "shadowed",
    "held": "held",
    "idle": "nothing to do",
}


def explain_view(found: Explanation) -> RenderableType:
    """The ticket, why few or no rules look at it, each rule, and what it comes to."""
    return _View(found)


@dataclass(frozen=True, slots=True)
class _View:
    found: Explanation

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        signs = _ASCII if options.ascii_only else _Signs()
        drawing = _Drawing(console, signs, options.max_width)
        yield from _head(self.found)
        for one in self.found.rules:
            yield Text()
            yield from drawing.rule(one)
        yield from _foot(self.found)


def _head(found: Explanation) -> Iterator[Text]:
    ticket = found.ticket
    yield Text(f"Ticket {printable(ticket.number or ticket.id, 20)}  {ticket.subject}", "bold")
    told = [ticket.department, ticket.status, ticket.assignee or "nobody's"]
    yield Text(f"{', '.join(one for one in told if one)}, at {found.as_of:%Y-%m-%d %H:%M} UTC")
    for reason in found.ignored:
        yield Text(reason, "bold yellow")
    if found.paused:
        yield Text("Writing is paused; `zdsync resume` lets it go on.", "yellow")
    for one in found.holds:
        yield Text(f"Held: {name_of(one.field)}, {printable(one.told)}", "yellow")


def _foot(found: Explanation) -> Iterator[Text]:
    matched = sum(one.matched is True for one in found.rules)
    changes = [one for rule in found.rules for one in rule.changes]
    writes = sum(one.mode == "apply" for one in changes)
    what = count(writes, "change") if writes else "nothing to apply"
    said = f"{matched} of {count(len(found.rules), 'rule')} match: {what}"
    if len(changes) > writes:
        said += f", {len(changes) - writes} more shown by rules in mode plan"
    read = f" Reading for it cost {found.read_credits:g} credits." if found.read_credits else ""
    yield Text(f"\n{said}.{read}", "bold")
    for one in found.breaches:
        what = f"{one.limit} allows {one.allowed:g}, found {one.found:g}"
        yield Text(f"Limit of unattended ticks: {what}", "yellow")


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws rules at one width."""

    console: Console
    signs: _Signs
    width: int

    def rule(self, one: Explained) -> Iterator[Text]:
        """A head line, the reason for it, the condition as a tree, what became of its wishes."""
        head = Text.assemble(
            (self.signs.of(one.matched).strip(), _STYLES[one.matched]),
            (f" {printable(one.rule, 60)}", "bold cyan"),
            (f" ({one.mode})", "dim"),
        )
        head.append(f"  {_verdict(one)}")
        yield from hanging(head, "    ", self.console, self.width)
        if one.why:
            yield from self._wrapped(printable(one.why), "  ", "dim")
        rows = list(self._rows(one.conditions, ()))
        most = self.width * 3 // 5
        left = min(max((cell_len(row.lead) + row.asks for row in rows), default=0), most)
        for row in rows:
            yield from self._line(row, left)
        tested = {row.part.text.partition(" ")[0] for row in rows}
        for name, value in one.takes:
            if name in tested:
                continue
            yield from self._wrapped(f"takes {name} = {_shown(value)}", "    ", "dim")
        for fate in one.fates:
            yield from self._fate(fate)

    def _rows(self, parts: Sequence[Judged], above: tuple[bool, ...]) -> Iterator[_Row]:
        """One row a part; `above` tells of each level whether more of it follows."""
        for place, part in enumerate(parts):
            more = place + 1 < len(parts)
            strokes = [self.signs.down if on else "  " for on in above[1:]]
            own = [(self.signs.branch if more else self.signs.last)] if above else []
            after = [self.signs.down if more else "  "] if above else []
            yield _Row(
                "  " + "".join(strokes + own),
                "  " + "".join(strokes + after),
                self.signs.of(part.holds),
                part,
            )
            yield from self._rows(part.parts, (*above, more))

    def _line(self, row: _Row, left: int) -> Iterator[Text]:
        """A condition and beside it what it saw, each wrapped within its own column."""
        asks = row.condition.wrap(self.console, max(left - cell_len(row.lead), 12))
        room = max(self.width - left - len(row.mark) - 1 - _GAP, 12)
        saw = Text(_saw(row.part), _STYLES[None] if row.part.unread else "")
        sees = saw.wrap(self.console, room)
        for place, (ask, see) in enumerate(zip_longest(asks, sees)):
            mark = (row.mark, _STYLES[row.part.holds]) if not place else " " * len(row.mark)
            line = Text.assemble(row.rest if place else row.lead, mark, " ", ask or "")
            line.rstrip()
            if see:
                line.append(" " * max(left + len(row.mark) + 1 + _GAP - line.cell_len, 1))
                line.append_text(see)
            yield line

    def _fate(self, fate: Fate) -> Iterator[Text]:
        name = name_of(fate.field, 40)
        if fate.kind in ("written", "shown", "left"):
            told = f"{name}: {_shown(fate.before)} {self.signs.arrow} {_shown(fate.after)}"
            told = f"{name}: {fate.text}" if fate.text else told
            style = "bold" if fate.kind == "written" else ""
        elif fate.kind == "unresolved":
            told, style = "unresolved: nobody to give it to", "yellow"
        else:
            said = fate.kind == "held" and is_speech(fate.field)  # its digest tells nobody anything
            value = "" if fate.kind == "idle" or said else f" {_shown(fate.after)}"
            told, style = f"{name}{value}: {_ENDS[fate.kind]}", "dim"
        telling = fate.reason and fate.kind != "shown"  # the head of the rule has said it
        reason = f" ({printable(fate.reason)})" if telling else ""
        yield from self._wrapped(told + reason, "  => ", style)

    def _wrapped(self, text: str, lead: str, style: str) -> Iterator[Text]:
        told = Text.assemble(lead, (text, style))
        yield from hanging(told, " " * len(lead), self.console, self.width)


@dataclass(frozen=True, slots=True)
class _Row:
    """One part: what stands before its first line and before the others, its mark."""

    lead: str
    rest: str
    mark: str
    part: Judged

    @property
    def condition(self) -> Text:
        """The condition as the file has it, and what it comes to where the file does not say."""
        part = self.part
        points = f"{part.points:+g} " if part.points is not None else ""
        text = Text.assemble((points, "bold"), part.text)
        if known := _resolved(part):
            text.append(f" ({known})", "dim")
        return text

    @property
    def asks(self) -> int:
        return self.condition.cell_len


def _resolved(part: Judged) -> str:
    """The operands that the text of the condition does not name: of a list, a field, a duration."""
    if part.found:
        return ""  # the words that were found tell more
    written = fold(part.text)
    new = [one for one in part.asked if fold(one) not in written]
    if not new:
        return ""
    more = len(new) - _OPERANDS
    return ", ".join(new[:_OPERANDS]) + (f" and {more} more" if more > 0 else "")


def _verdict(one: Explained) -> str:
    reasons = printable("; ".join(one.why_not))
    if one.matched is None:
        return f"cannot be told: {reasons}" if reasons else "cannot be told"
    if not one.matched:
        return f"does not match; {reasons}" if reasons else "does not match"
    if reasons:
        return f"matches, but {reasons}"
    if not one.changes:
        return "matches, no change"
    would = "" if one.mode == "apply" else "would make "
    return f"matches: {would}{count(len(one.changes), 'change')}"


def _saw(part: Judged) -> str:
    if part.kind == "score":
        known = f"{part.sum:g} points" if part.sum is not None else ""
        return known if part.most is None else f"{known}, {part.most:g} at most"
    if part.kind != "test":
        return ""
    if part.unread:
        return f"unknown until read: {', '.join(part.unread)}"
    return _shown(part.value)


def _shown(value: Value | Scalar) -> str:
    if value is None or value in ("", ()):
        return "empty"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ", ".join(value)
    return printable(value)
