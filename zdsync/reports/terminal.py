"""A report for a terminal or a pipe, drawn by rich into a string; imports rich when used.

A table too wide for the terminal is folded into bands of columns, each with its names again:
no number is ever cut.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import groupby
from typing import TYPE_CHECKING

from zdsync.reports.report import Column, Line, Report, Table
from zdsync.reports.shown import ZERO, cell_text, face, freshness, instant, stale
from zdsync.text import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

_GAP = 2
_NAMES = 30  # widest column of names
_LABEL = 24  # a longer heading is cut
_PIPED = 240  # lines for a pipe are as wide as they need, up to this
_STYLES = {"total": "bold", "group": "bold", "row": ""}


def to_terminal(report: Report, width: int | None = None, *, colour: bool = False) -> str:
    """Write figures, tables and notes for `width` columns; None: a pipe, nothing is folded."""
    console, out = _console(width, colour=colour)
    _print_head(console, report)
    for table in report.tables:
        if not table.detail:
            _print_table(console, table)
    for note in report.notes:
        console.print(f"Note: {note}", style="yellow" if colour else "")
    return _text(out)


def table_text(table: Table, width: int | None = None, *, colour: bool = False) -> str:
    """Write one table alone."""
    console, out = _console(width, colour=colour)
    _print_table(console, table)
    return _text(out)


def _console(width: int | None, *, colour: bool) -> tuple[Console, StringIO]:
    from rich.console import Console

    out = StringIO()
    console = Console(
        file=out,
        width=width or _PIPED,
        force_terminal=colour,
        no_color=not colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    return console, out


def _text(out: StringIO) -> str:
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines()) + "\n"


def _print_head(console: Console, report: Report) -> None:
    from rich.text import Text

    console.print(Text(f"{report.title} at {instant(report.as_of)}", style="bold"))
    console.print(f"{report.told} since {instant(report.since)}", style="dim")
    console.print(freshness(report), style="yellow" if stale(report) else "dim")
    console.print()
    figures = Text("   ").join(
        Text.assemble(
            (f"{figure.value:,}", "bold red" if figure.alarm and figure.value else "bold"),
            f" {figure.label.lower()}",
        )
        for figure in report.figures
    )
    console.print(figures)
    console.print()


def _print_table(console: Console, table: Table) -> None:
    from rich.text import Text

    if table.title:
        console.print(Text(table.title, style="bold"))
    columns, lines = face(table)
    most = min(_NAMES, max(12, console.width // 3))
    cells = [_texts(line, columns, most, table.outline) for line in lines]
    for place, band in enumerate(_bands(columns, cells, console.width)):
        if place:
            console.print()
        _print_band(
            console,
            [columns[place] for place in band],
            lines,
            [[row[place] for place in band] for row in cells],
        )
    for note in table.notes:
        console.print(printable(note), style="dim")
    console.print()


def _texts(line: Line, columns: Sequence[Column], most: int, outline: bool) -> list[Text]:
    from rich.text import Text

    indent = "  " if outline and line.level == "row" else ""
    texts = []
    for value, column in zip(line.cells, columns, strict=True):
        words = cell_text(value, column, most - len(indent))
        style = "dim" if words == ZERO else _style(line, column)
        texts.append(Text(words if column.align == "right" else indent + words, style=style))
    return texts


def _style(line: Line, column: Column) -> str:
    return "red" if column.alarm and line.level == "row" else _STYLES[line.level]


def _bands(
    columns: Sequence[Column], cells: Sequence[Sequence[Text]], width: int
) -> Iterator[list[int]]:
    """Share columns out over bands that fit `width`; each band begins with the names."""
    wide = [
        max([_heading(column), *(row[place].cell_len for row in cells)])
        for place, column in enumerate(columns)
    ]
    band, used = [0], wide[0]
    for run in _runs(columns, wide, width - wide[0]):
        need = sum(_GAP + wide[place] for place in run)
        if len(band) > 1 and used + need > width:
            yield band
            band, used = [0], wide[0]
        band += run
        used += need
    yield band


def _runs(columns: Sequence[Column], wide: Sequence[int], room: int) -> Iterator[list[int]]:
    """Columns that belong in one band: a group that fits whole, else its columns one by one."""
    places = range(1, len(columns))
    for _, run in groupby(places, lambda place: columns[place].group or str(place)):
        group = list(run)
        whole = sum(_GAP + wide[place] for place in group) <= room
        yield from [group] if whole else ([place] for place in group)


def _heading(column: Column) -> int:
    """Cells that a heading needs: over numbers it is broken between words, over names it is not."""
    from rich.cells import cell_len

    label = printable(column.label, _LABEL)
    words = label.split() if column.align == "right" else [label]
    return max(map(cell_len, words), default=0)


def _print_band(
    console: Console,
    columns: Sequence[Column],
    lines: Sequence[Line],
    cells: Sequence[Sequence[Text]],
) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    grid = Grid(box=SIMPLE_HEAD, padding=(0, _GAP - 1, 0, 0), pad_edge=False, show_edge=False)
    for place, column in enumerate(columns):
        wide = max([_heading(column), *(row[place].cell_len for row in cells)])
        grid.add_column(
            printable(column.label, _LABEL),
            justify=column.align,
            width=wide,
            vertical="bottom",
        )
    levels = [*(line.level for line in lines[1:]), "row"][: len(lines)]
    for line, row, after in zip(lines, cells, levels, strict=True):
        grid.add_row(*row, end_section=after != "row" and line.level == "row")
    console.print(grid)
