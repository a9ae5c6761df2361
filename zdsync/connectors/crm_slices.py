"""More fields than one call of the CRM takes: slices of names, and records joined from them. Pure.

A list takes at most 50 names and 1,024 characters of `fields` (crm.md 3). Each slice holds the
version, so that pieces of two versions of a record are never joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zdsync.connectors.decode import api_names
from zdsync.connectors.lists import Record
from zdsync.streams import StreamSpec

VERSION = "Modified_Time"
_FIELDS = 50  # at most this many names …
_CHARACTERS = 1024  # … and characters in `fields`


def slices_of(spec: StreamSpec, names: Sequence[str]) -> list[str]:
    """Divide field names (none: those that we model) into lists that one call takes."""
    wanted = [n for n in (names or api_names(spec.fields)) if n not in ("id", VERSION)]
    slices: list[list[str]] = [[VERSION]]
    for name in dict.fromkeys(wanted):
        longer = len(",".join([*slices[-1], name]))
        if len(slices[-1]) >= _FIELDS or longer > _CHARACTERS:
            slices.append([VERSION])
        slices[-1].append(name)
    return [",".join(names) for names in slices]


def join(parts: Sequence[Sequence[Record]]) -> tuple[list[Record], list[str]]:
    """Join slices by id; returns whole records, and ids whose slices do not fit together."""
    if len(parts) == 1:
        return list(parts[0]), []
    by_id: dict[str, list[Record]] = {}
    for part in parts:
        for record in part:
            by_id.setdefault(str(record.get("id")), []).append(record)
    whole: list[Record] = []
    doubtful: list[str] = []
    for key, pieces in by_id.items():
        versions = {str(piece.get(VERSION)) for piece in pieces}
        if len(pieces) == len(parts) and len(versions) == 1:
            joined: dict[str, Any] = {}
            for piece in pieces:
                joined.update(piece)
            whole.append(joined)
        else:
            doubtful.append(key)
    return whole, doubtful
