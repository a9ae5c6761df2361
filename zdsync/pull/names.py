"""The names of streams that a person may give a command. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from zdsync.errors import Misconfigured, Problem
from zdsync.text import near


def refuse_unknown(names: Sequence[str], known: Sequence[str]) -> None:
    """Raise Misconfigured for streams that are not among those that a command can take."""
    problems = [
        Problem("STREAM", "cannot be taken here", near(name, known), name)
        for name in names
        if name not in known
    ]
    if problems:
        raise Misconfigured("unknown stream", problems)
