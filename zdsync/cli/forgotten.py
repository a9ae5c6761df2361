"""What `zdsync forget` asks and prints: ids and counts, nothing of the person."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import Any

from zdsync.errors import Misconfigured
from zdsync.forgetting import Agree, Forgotten

ZOHO = "Zoho was not asked to delete anything: delete or anonymise the person there too."
COPIES = "Copies and backups outside the data directory, and readers' open copies, are not reached."


def agreement(*, yes: bool, say: Callable[[str], None]) -> Agree:
    """Ask on a terminal, showing what would be emptied; `yes` does not ask."""

    def agree(contact: str, rows: Mapping[str, int]) -> bool:
        if yes:
            return True
        if not sys.stdin.isatty():
            raise Misconfigured("nobody is there to agree", hint="use --yes")
        say(f"Contact {contact}: this would be emptied in the mirror for good:")
        say("\n".join(_counts(rows)) or "  nothing more")
        say(ZOHO)
        return input("Forget this person? [y/N] ").strip().lower() == "y"

    return agree


def forgotten_text(done: Forgotten) -> str:
    """What was emptied, for people."""
    again = " had been forgotten before; emptied again" if done.again else " is forgotten"
    lines = [f"Contact {done.contact}{again}. Emptied, in rows:", *_counts(_all(done))]
    lines += ["The published copy was made anew.", ZOHO, COPIES]
    if done.left:
        lines.append("Files in the data directory that are not zdsync's were left alone:")
        lines += [f"  {name}" for name in done.left]
    return "\n".join(lines)


def forgotten_document(done: Forgotten) -> dict[str, Any]:
    """The same for programs."""
    return {
        "contact": done.contact,
        "again": done.again,
        "rows": dict(done.rows),
        "journal_lines": done.journal,
        "plans": done.plans,
        "files_left_alone": list(done.left),
        "zoho": "not touched",
    }


def _all(done: Forgotten) -> dict[str, int]:
    files = {"lines of the journal": done.journal, "kept plans": done.plans}
    return {**done.rows, **{name: many for name, many in files.items() if many}}


def _counts(rows: Mapping[str, int]) -> list[str]:
    return [f"  {name:<24} {many:>8,}" for name, many in rows.items()]
