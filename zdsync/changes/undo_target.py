"""Which writes of the journal a person means by RUN or CHANGE, and what goes with them. Pure.

The journal's files are the source: a lost mirror loses nothing of this. Must not call Zoho.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from zdsync.changes.journal import Entry
from zdsync.changes.wire import GIVEN, is_speech
from zdsync.errors import Misconfigured
from zdsync.text import printable

UNDO = "undo"  # the rule id of what an undo writes; no rule may be called so
WRITTEN = frozenset({"applied", "unknown"})  # outcomes after which the value may be ours
_NAMED = 4  # ids that an error names at most

Place = tuple[str, str]  # ticket and field


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be undone.

    `entries`: the run's writes that are meant, in the order of the journal. `later`: by ticket and
    field, what zdsync wrote there afterwards.
    """

    run_id: str
    entries: tuple[Entry, ...]
    later: Mapping[Place, tuple[Entry, ...]]


def place_of(entry: Entry) -> Place:
    """Ticket and field of a write; names of tags fold case, as Zoho does."""
    field = entry.field.casefold() if entry.field.startswith("tag:") else entry.field
    return entry.ticket_id, field


def find(entries: Sequence[Entry], word: str, quiet: Collection[str] = ()) -> Asked:
    """Find the run or change that a word names, shortened where only one begins so.

    `quiet`: runs that wrote nothing. A change that several runs wrote is the last one's. With a
    move goes whom the ticket was given to, with a close its outcome and its mark as spam. Raises
    Misconfigured for a word that names nothing, or more than one.
    """
    runs, changes = _index(entries)
    named = _named(word.strip(), runs, changes, entries, quiet)
    if named in runs:
        meant = [one for one in entries if one.run_id == named]
        return Asked(named, *_split(entries, meant))
    if named not in changes:
        return Asked(named, (), {})
    some = [one for one in entries if one.change_id == named]
    change = next((one for one in reversed(some) if one.outcome in WRITTEN), some[-1])
    return Asked(change.run_id, *_split(entries, _with_mates(entries, change)))


def _index(entries: Iterable[Entry]) -> tuple[dict[str, None], dict[str, None]]:
    runs: dict[str, None] = {}
    changes: dict[str, None] = {}
    for one in entries:
        runs[one.run_id] = changes[one.change_id] = None
    return runs, changes


def _named(
    word: str,
    runs: Collection[str],
    changes: Collection[str],
    entries: Sequence[Entry],
    quiet: Collection[str],
) -> str:
    if word in runs or word in changes or word in quiet:
        return word
    found = [one for one in (*runs, *changes) if one.startswith(word)]
    found = found or [one for one in quiet if one.startswith(word)]
    if len(found) == 1:
        return found[0]
    shown = printable(word, 60)
    if found:
        more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        what = f"{shown!r} begins {len(found)} ids: {', '.join(found[-_NAMED:])}{more}"
        raise Misconfigured(what, hint="give more of it")
    hint = _hint(word, [*runs, *changes], entries)
    raise Misconfigured(f"the journal knows no run and no change {shown!r}", hint=hint)


def _hint(word: str, known: Sequence[str], entries: Sequence[Entry]) -> str:
    if not known:
        return "nothing was written yet"
    planned = [one.run_id for one in entries if word and one.plan_id.startswith(word)]
    if planned:
        return f"that is a plan; the run that wrote it is {planned[-1]}"
    close = get_close_matches(word, known, 1)
    if close:
        return f"did you mean {close[0]}?"
    return f"zdsync journal lists them; the last run that wrote is {entries[-1].run_id}"


def _with_mates(entries: Sequence[Entry], change: Entry) -> list[Entry]:
    """A change and what makes no sense without it: whom a move gave to, a close's parts."""

    def belongs(one: Entry) -> bool:
        if one is change:
            return True
        if (one.run_id, one.ticket_id) != (change.run_id, change.ticket_id):
            return False
        if change.field == "department":
            return one.field in GIVEN
        return one.rule_id == change.rule_id and one.field in mates

    rule = {
        one.field
        for one in entries
        if (one.run_id, one.ticket_id, one.rule_id)
        == (change.run_id, change.ticket_id, change.rule_id)
    }
    closing = {one for one in rule if one in {"status", "spam"} or one.startswith("cf.")}
    mates = closing if {"status", change.field} <= closing else set()
    return [one for one in entries if belongs(one)]


def _split(
    entries: Sequence[Entry], meant: Sequence[Entry]
) -> tuple[tuple[Entry, ...], dict[Place, tuple[Entry, ...]]]:
    """What is meant, and what was written after it."""
    ours = {(one.run_id, one.change_id) for one in meant}
    tickets = {one.ticket_id for one in meant}
    later: dict[Place, list[Entry]] = defaultdict(list)
    begun = False
    for one in entries:
        if (one.run_id, one.change_id) in ours:
            begun = True
        elif begun and one.ticket_id in tickets and _wrote(one):
            later[place_of(one)].append(one)
    return tuple(meant), {place: tuple(some) for place, some in later.items()}


def _wrote(one: Entry) -> bool:
    # What an undo found done, its own move did: that takes whom the ticket was given to.
    done = one.outcome in WRITTEN or (one.rule_id == UNDO and one.outcome == "already")
    return done and not is_speech(one.field)
