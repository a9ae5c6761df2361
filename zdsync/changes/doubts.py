"""Writes of which nobody knows whether they were made, and a person's word on one of them.

Promises that only what is unknown is settled, that saying it again changes nothing, and that the
journal tells that a person said so. Must not look for itself; `recover` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any, Literal

from zdsync.changes.journal import Entry, Journal
from zdsync.changes.store import Queries
from zdsync.errors import Misconfigured
from zdsync.model import Receipt
from zdsync.sql import Sql
from zdsync.text import printable

Verdict = Literal["applied", "unsent"]  # it is there; it is not, and may be done again
LISTED = "zdsync journal --unresolved lists them"
_SAID = "a person said so with zdsync settle"
_NAMED = 4  # ids that an error names at most


@dataclass(frozen=True, slots=True)
class Settled:
    """What a person's word came to; `settled`: how many writes, 0 where it was said before."""

    change_id: str
    ticket_id: str
    ticket_number: str  # its id, where the mirror does not hold it any more
    rule: str
    field: str
    outcome: Verdict
    settled: int

    def document(self) -> dict[str, Any]:
        """As JSON holds it."""
        return asdict(self)


def settle(
    mirror: Queries, journal: Journal, word: str, outcome: Verdict, now: datetime
) -> Settled:
    """Write what a person says of the change that a word names, or begins.

    Where several runs left it unknown, it is said of all of them. Raises Misconfigured for a word
    that names no change, or several, and for a change whose outcome is not unknown.
    """
    changes: dict[str, list[Entry]] = {}
    entries = journal.entries()
    for one in entries:
        changes.setdefault(one.change_id, []).append(one)
    named = _named(word.strip(), changes, entries)
    last = changes[named][-1]
    unknown = [one for one in changes[named] if one.outcome == "unknown"]
    if not unknown and not (last.outcome == outcome and last.error.startswith(_SAID)):
        _refuse(named, last)
    said = f"{_SAID}, {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    for one in unknown:
        # It was settled when the call ended: nothing was written now, and whatever asks when
        # zdsync wrote last must not take others' edits since for its own.
        at = one.settled_at or one.intended_at
        receipt = Receipt(one.change_id, outcome, at, one.http_status, said)
        journal.find([receipt], run_id=one.run_id)
    journal.sync()
    asked = Sql("SELECT ticket_number FROM desk.tickets WHERE id = ?", (last.ticket_id,))
    number = next((str(row[0]) for row in mirror.rows(asked) if row[0]), last.ticket_id)
    return Settled(
        *(named, last.ticket_id, number, last.rule_id, last.field), outcome, len(unknown)
    )


def _refuse(named: str, last: Entry) -> None:
    if last.outcome is None:
        what = f"{named} has no outcome yet: a crash came between"
        raise Misconfigured(what, hint="zdsync run --once or zdsync apply looks it up")
    why = f" ({last.error})" if last.error else ""
    what = f"the outcome of {named} is known: {last.outcome}{why}"
    raise Misconfigured(what, hint="nothing was settled")


def _named(word: str, changes: Mapping[str, Sequence[Entry]], entries: Sequence[Entry]) -> str:
    if word in changes:
        return word
    found = [one for one in changes if one.startswith(word)]
    if len(found) == 1:
        return found[0]
    shown = printable(word, 60)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        what = f"{shown!r} begins {len(found)} changes: {', '.join(found[-_NAMED:])}{more}"
        raise Misconfigured(what, hint="give more of it")
    if any(one.run_id == word for one in entries):
        what = f"{shown!r} is a run, and each of its changes has an outcome of its own"
        raise Misconfigured(what, hint=LISTED)
    near = get_close_matches(word, changes, 1)
    hint = f"did you mean {near[0]}?" if near else LISTED
    raise Misconfigured(f"the journal knows no change {shown!r}", hint=hint)
