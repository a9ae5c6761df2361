"""Takes a forgotten person's values out of the journal and the kept plans.

The journal stays whole: every intent and receipt, its ids, fields, rules, outcomes and times, and
values that say nothing about a person (a status, an agent). Repeating it changes nothing. The
caller holds the turn to write: nobody appends meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import orjson

from zdsync.errors import MirrorFailed
from zdsync.personal import plain_field

_EMPTY: dict[str, Any] = {"before": None, "after": None, "wire": {}, "wire_before": {}}


def journal(folder: Path, tickets: Collection[str]) -> int:
    """Blank what the journal's files hold of tickets; returns the lines changed.

    Raises MirrorFailed; each file is replaced whole, or not at all.
    """
    paths = sorted(folder.glob("????-??.ndjson"))
    ours = {
        (line.get("run_id"), line.get("change_id"))
        for path in paths
        for _, line in _lines(path)
        if line.get("kind") == "intent" and line.get("ticket_id") in tickets
    }
    changed = 0
    for path in paths:
        kept, blanked = [], 0
        for raw, line in _lines(path):
            if not line and any(one.encode() in raw for one in tickets):
                blanked += 1  # torn by a crash, and of such a ticket: it tells nothing
                continue
            clean = _blank(line) if _key(line) in ours else line
            blanked += clean != line
            kept.append(raw if clean == line else orjson.dumps(clean))
        if blanked:
            _replace(path, b"".join(raw + b"\n" for raw in kept))
            changed += blanked
    _drop(folder.glob(".*.new"))
    return changed


def plans(folder: Path) -> int:
    """Drop every kept plan and draft of one: they quote tickets. Returns how many."""
    return _drop(path for path in folder.glob("*") if path.is_file())


def _drop(paths: Iterator[Path]) -> int:
    some = list(paths)
    for path in some:
        path.unlink(missing_ok=True)
    return len(some)


def _lines(path: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Each line with what it says; nothing where it is torn."""
    for raw in path.read_bytes().splitlines():
        try:
            line = orjson.loads(raw)
        except orjson.JSONDecodeError:
            line = {}
        yield raw, line if isinstance(line, dict) else {}


def _key(line: dict[str, Any]) -> tuple[Any, Any]:
    return (line.get("run_id"), line.get("change_id"))


def _blank(line: dict[str, Any]) -> dict[str, Any]:
    if line.get("kind") != "intent":
        return {**line, "error": ""}  # Zoho's own words may quote a value
    return line if plain_field(str(line.get("field"))) else {**line, **_EMPTY}


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.new")
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        what = f"the journal {path} cannot be written: {error.strerror}"
        raise MirrorFailed(what, "free some space or mend the rights, then run it again") from None
