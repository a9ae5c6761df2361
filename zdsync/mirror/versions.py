"""The merge law, pure: which of the values known for a column wins. No SQL, no I/O.

Every column of a row is a register that keeps the value with the greatest version. A version is
(modified time, shape, read time, digest of the row), so at equal modified time a detail beats a
search row and that a list row: search lags. Modified times are whole seconds, though, and what an
automation does in the second of a detail read would stay hidden for ever. So a row read a quarter
of an hour after its modified time, when no index lags any more, beats those read sooner, whatever
its shape, and among such rows the later reading wins. A row keeps its versions as segments: each
distinct version with the mask of the columns that it wrote last (one or two segments in practice).

Because a version is a total order and a column follows only the rows that carried it, the result
does not depend on the order of batches or on duplicates, whatever keys an answer hides. `cf` is
one column too: a key missing inside it is gone from it, but its last value is kept beside it
(`merge_kept`), in case its field vanished from the portal. The result can depend on the order in
one place only: a record seen by zdsync at the very instant of its tombstone counts as alive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from zdsync.model import Shape

_SETTLED = 15 * 60 * 1_000_000  # microseconds: the lookback of the pull reads each row so late once
_LATE = max(Shape) + 1  # in the place of the shape
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - rows hold naive UTC
_MICROSECOND = timedelta(microseconds=1)

# (modified time, then shape and read time, digest); compares like a tuple.
Version = tuple[str, int, int, int]
Seen = tuple[tuple[Version, int], ...]
Kept = Mapping[str, tuple[Any, Version]]  # key → its last value and the version that carried it


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an incoming row may write: `take` masks its columns; `seen` is the new bookkeeping."""

    take: int
    seen: Seen
    had: int  # columns that were filled before
    newest: str  # greatest modified time seen


def version(modified: str | None, shape: Shape, read_us: int, digest: int) -> Version:
    """Order rows: by modified time, shape, read time; without a modified time by read time first.

    A row without one loses to every row with one: a list row of a ticket (desk-tickets.md
    section 2: no modifiedTime) fills only what no other shape carries or has carried yet.
    """
    if not modified:
        return ("", read_us, int(shape), digest)
    if "." in modified:
        modified = modified.rstrip("0").rstrip(".")
    age = read_us - (datetime.fromisoformat(modified) - _EPOCH) // _MICROSECOND
    return (modified, _LATE if age >= _SETTLED else int(shape), read_us, digest)


def merge(seen: Seen, incoming: Version, mask: int) -> Verdict:
    """Decide for one incoming row that carries the columns of `mask`."""
    newer = had = 0
    for known, columns in seen:
        had |= columns
        if known > incoming:
            newer |= columns
    take = mask & ~newer
    kept = [(known, columns & ~take) for known, columns in seen if known != incoming]
    same = next((columns for known, columns in seen if known == incoming), 0)
    after = tuple(
        sorted((known, columns) for known, columns in [*kept, (incoming, same | take)] if columns)
    )
    return Verdict(take, after, had, max((known[0] for known, _ in after), default=""))


def is_current(verdict: Verdict, columns: int) -> bool:
    """Whether one of `columns` was last written by a row as new as the newest row seen.

    A search row carries no trash flags: after a restore, the flag of an older detail is stale.
    """
    return any(known[0] == verdict.newest and written & columns for known, written in verdict.seen)


def merge_extra(
    old: Mapping[str, Any],
    versions: Mapping[str, Version],
    base: Version,
    incoming: Mapping[str, Any],
    at: Version,
    *,
    seen: Seen = (),
    columns: Mapping[str, int] | None = None,
) -> tuple[dict[str, Any], dict[str, Version], Version]:
    """Merge unmodelled keys one by one: shapes carry different ones, and none may clear another.

    `base` is the version of the keys that `versions` does not name. Returns the same three.
    `columns` masks the columns of keys that are modelled: such a key is here only while its value
    fits none of them (`seen` says which rows wrote them).
    """
    merged = dict(old)
    known = {key: versions.get(key, base) for key in old}
    for key, item in incoming.items():
        if key not in known or at >= known[key]:
            merged[key], known[key] = item, at
    for key in (columns or {}).keys() & merged.keys():
        if not still_misfit(known[key], seen, (columns or {})[key]):
            del merged[key], known[key]
    top = max(known.values(), default=at)
    return merged, {key: seen for key, seen in known.items() if seen != top}, top


def merge_kept(
    own: Mapping[str, Any],
    at_own: Version | None,
    kept: Kept,
    incoming: Mapping[str, Any],
    at: Version,
) -> dict[str, tuple[Any, Version]]:
    """Merge the keys that the newest object does not carry: per key its greatest version.

    `own` is the newest object so far, of version `at_own` (None: there is none).
    """
    newer, older, older_at = incoming, own, at_own
    if at_own is not None and at_own > at:
        newer, older, older_at = own, incoming, at
    merged = {key: held for key, held in kept.items() if key not in newer}
    if older_at is not None:
        for key, item in older.items():
            if key not in newer and (key not in merged or merged[key][1] < older_at):
                merged[key] = (item, older_at)
    return merged


def still_misfit(extra_at: Version, seen: Seen, columns: int) -> bool:
    """Whether a value that fitted no column is still the last word on its key.

    It is not once every column of the key was written by a later row.
    """
    later = 0
    for known, written in seen:
        if known > extra_at:
            later |= written
    return columns & ~later != 0


def written_at(seen: Seen, column: int) -> Version | None:
    """The version that wrote a column last; `column` is its bit."""
    return next((known for known, written in seen if written & column), None)


def pack(seen: Seen) -> str:
    """Write segments as text, oldest first: `modified|shape|read|digest|mask;…`."""
    return ";".join(f"{v[0]}|{v[1]}|{v[2]}|{v[3]}|{mask:x}" for v, mask in seen)


def unpack(text: str | None) -> Seen:
    """Read what `pack` wrote."""
    if not text:
        return ()
    segments = []
    for piece in text.split(";"):
        modified, first, second, digest, mask = piece.split("|")
        segments.append(((modified, int(first), int(second), int(digest)), int(mask, 16)))
    return tuple(segments)


def carried(text: str | None) -> int:
    """The columns and shapes that were ever read, as a mask."""
    bits = 0
    for _, mask in unpack(text):
        bits |= mask
    return bits
