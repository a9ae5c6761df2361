"""Lines of text that wrap under an indent, and how values are spelt in them. For the views.

Must not print: the caller owns stdout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from zdsync.changes.wire import is_tag
from zdsync.text import printable

_NARROW = 12  # cells that a wrapped line has at least


def hanging(text: Text, indent: str, console: Console, width: int) -> Iterator[Text]:
    """Wrap a text; its further lines begin with an indent."""
    first, *rest = text.wrap(console, width)
    yield first
    if rest:
        room = max(width - len(indent), _NARROW)
        for one in rest:
            one.rstrip()
        left = Text(" ").join(rest)
        yield from (Text.assemble(indent, one) for one in left.wrap(console, room))


@dataclass(frozen=True, slots=True)
class Hanging:
    """A text that fits any width; its further lines are indented."""

    text: Text
    indent: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from hanging(self.text, self.indent, console, options.max_width)


def name_of(field: str, width: int = 24) -> str:
    """Write the name of a field as people read it: `tag:X` is `tag X`, `notify:Y` `notify Y`."""
    named = is_tag(field) or field.startswith("notify:")
    return printable(field.replace(":", " ", 1) if named else field, width)


def count(number: int, noun: str) -> str:
    """Write a number and its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
