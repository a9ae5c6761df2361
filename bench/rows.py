"""The printed table: what was seen, what is asked for, the floor."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `goal` is empty where nothing is asked for."""

    what: str
    seen: str
    goal: str
    floor: str


def show(title: str, figures: list[Figure]) -> None:
    """Print one aligned table."""
    lines = [
        ("", "seen", "at most", "floor"),
        *((f.what, f.seen, f.goal, f.floor) for f in figures),
    ]
    widths = [max(len(line[place]) for line in lines) for place in range(4)]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(cell.ljust(wide) for cell, wide in zip(line, widths, strict=True)))
