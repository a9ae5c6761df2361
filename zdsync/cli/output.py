"""How commands write: data to stdout, talk to stderr. Knows no command."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

PARTLY = 1  # the exit code of what ran, but not for all


def out(text: str) -> None:
    """Write data: to stdout, as it is."""
    sys.stdout.write(text if text.endswith("\n") else text + "\n")


def say(text: str) -> None:
    """Write talk: to stderr."""
    print(text, file=sys.stderr)


def width() -> int | None:
    """Columns of the terminal; None for a pipe."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def deliver(text: str, output: str | None) -> None:
    """Write data to the file that was named, else to stdout."""
    from zdsync.reports import save

    if output:
        save(text, Path(output))
        say(f"Written to {output}")
    else:
        out(text)


def document(data: Any) -> None:
    """Write one JSON document."""
    out(json.dumps(data, ensure_ascii=False, indent=2))


def show(view: Any) -> None:
    """Write a view of rich, as wide as the terminal; 160 columns into a pipe."""
    from rich.console import Console

    Console(width=width() or 160, highlight=False, emoji=False, markup=False).print(view)
