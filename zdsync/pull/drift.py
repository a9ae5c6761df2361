"""Drift of the portal's fields: what vanished, was renamed, changed its type, or appeared.

Compares the fields' metadata before and after a reading. Promises that a field is told once, that
a rename is known by Zoho's own id (by label and type where that is not told), and that a module
that lists nothing is taken for a lost right, not for a portal without fields. A field that rows
lack but the metadata has is hidden, not vanished (desk-tickets.md 1: profile permissions).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import orjson

from zdsync.mirror import Mirror
from zdsync.model import RecordBatch
from zdsync.sql import Sql, load

log = logging.getLogger(__name__)

Kind = Literal["vanished", "renamed", "type_changed", "appeared"]
Readers = Callable[[str, str, str], Sequence[str]]  # stream, module, field → who reads it

_QUERIES = "zdsync.mirror.queries"
_KNOWN = {"desk.fields": "fields_desk.sql", "crm.fields": "fields_crm.sql"}


@dataclass(frozen=True, slots=True)
class Known:
    """One field as the metadata tells it; `zoho_id` None where that is not told."""

    label: str
    type: str
    zoho_id: str | None
    id: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that happened to a field. `field` is its API name, the old one of a rename."""

    module: str
    field: str
    kind: Kind
    before: str | None
    after: str | None


Fields = Mapping[tuple[str, str], Known]  # by module and API name


def nobody(stream: str, module: str, field: str) -> Sequence[str]:
    """Who reads a field, where no rules are at hand."""
    return ()


def known(mirror: Mirror, stream: str) -> Fields:
    """The fields that the mirror holds as present."""
    rows = mirror.rows(Sql(load(_QUERIES, _KNOWN[stream])))
    return {
        (str(module), str(name)): Known(label or "", kind or "", zoho_id, id)
        for module, name, label, kind, zoho_id, id in rows
    }


def unlisted(before: Fields, batches: Sequence[RecordBatch]) -> set[str]:
    """Ids of the fields of modules that list none now, though they had some and others do."""
    listed = {str(row.get("module")) for batch in batches for row in batch.rows}
    if not listed:
        return set()  # a list that is empty all of a sudden: the guard's business
    lost = {module for module, _ in before} - listed
    for module in sorted(lost):
        log.warning("module=%s fields=none: kept as they were", module)
    return {one.id for (module, _), one in before.items() if module in lost}


def compare(before: Fields, after: Fields) -> list[Drift]:
    """What happened between two readings."""
    gone = {key: one for key, one in before.items() if key not in after}
    fresh = {key: one for key, one in after.items() if key not in before}
    found: list[Drift] = []
    for key, new in _renames(gone, fresh):
        found.append(Drift(*key, "renamed", key[1], new))
        gone.pop(key)
        fresh.pop((key[0], new))
    found += [Drift(*key, "vanished", one.label, None) for key, one in gone.items()]
    found += [Drift(*key, "appeared", None, one.label) for key, one in fresh.items()]
    for key in before.keys() & after.keys():
        old, now = before[key], after[key]
        if old.label != now.label and old.label and now.label:
            found.append(Drift(*key, "renamed", old.label, now.label))
        if old.type != now.type and old.type and now.type:
            found.append(Drift(*key, "type_changed", old.type, now.type))
    return sorted(found, key=lambda one: (one.module, one.field, one.kind))


def _renames(gone: Fields, fresh: Fields) -> Iterator[tuple[tuple[str, str], str]]:
    """Pairs of a vanished field and the new API name of the same."""
    taken: set[tuple[str, str]] = set()
    for key, old in sorted(gone.items()):
        near = {k: one for k, one in fresh.items() if k[0] == key[0] and k not in taken}
        same = [k for k, one in near.items() if old.zoho_id and one.zoho_id == old.zoho_id]
        if not same:
            same = [
                k
                for k, one in near.items()
                if not (old.zoho_id and one.zoho_id)
                and old.label
                and (one.label, one.type) == (old.label, old.type)
            ]
        if len(same) == 1:
            taken.add(same[0])
            yield key, same[0][1]


def note(
    mirror: Mirror, stream: str, before: Fields, now: datetime, readers: Readers
) -> list[Drift]:
    """Compare what was known with what the mirror holds now; keep, show and say what drifted.

    The caller holds the transaction.
    """
    found = compare(before, known(mirror, stream))
    if not found:
        return []
    rows = []
    for one in found:
        read_by = list(readers(stream, one.module, one.field))
        rows.append([one.module, one.field, one.kind, one.before, one.after, read_by])
        log.warning(
            "drift=%s stream=%s module=%s field=%s before=%s after=%s read_by=%s",
            one.kind,
            stream,
            one.module,
            one.field,
            one.before,
            one.after,
            ", ".join(read_by) or "nothing",
        )
    seen_at = now.astimezone(UTC).replace(tzinfo=None)
    bound = orjson.dumps([dict(zip(_SHAPE, row, strict=True)) for row in rows]).decode()
    mirror.run(Sql(load(_QUERIES, "drift_ended.sql"), (seen_at, stream, bound)))
    mirror.run(Sql(load(_QUERIES, "drift_noted.sql"), (seen_at, stream, bound)))
    mirror.show_kept(stream.partition(".")[0])
    return found


_SHAPE = ("module", "field", "kind", "before", "after", "read_by")
