"""A person asks to be forgotten: find whom, empty tables and files, leave nothing on the disk.

Promises that the tombstone is on disk before anything is emptied, and that a forgetting which was
cut off at any moment is finished by the next run of any command that writes. The mirror only:
Zoho is not asked to delete anything. Knows no screen.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zdsync.errors import Misconfigured, Problem
from zdsync.mirror import Mirror, journal_files
from zdsync.readings import MIRROR, published
from zdsync.settings import Settings

_OURS = (
    *("mirror.duckdb", "STOP", "private/mirror.duckdb", "private/mirror.duckdb.wal"),
    *("private/*.lock", "private/token.json", "private/refresh_token", "private/forgotten.ndjson"),
    *("private/journal/*.ndjson", f"private/{journal_files.WITNESS}", "private/plans/*.json"),
    "private/journal.read",
)


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What was emptied: rows by table, lines of the journal, plans dropped.

    `left`: files in the data directory that are none of zdsync's and were left alone.
    `again`: the person had been forgotten before.
    """

    contact: str
    rows: Mapping[str, int] = field(default_factory=dict)
    journal: int = 0
    plans: int = 0
    left: tuple[str, ...] = ()
    again: bool = False


Agree = Callable[[str, Mapping[str, int]], bool]


def forget(mirror: Mirror, settings: Settings, word: str, agree: Agree) -> Forgotten | None:
    """Empty a person's data; `word` is a Desk contact's id or e-mail address.

    `agree` hears the contact's id and the rows by table, and may say no (None is returned).
    Raises Misconfigured where the word names nobody or several, MirrorFailed.
    """
    privacy, word = mirror.privacy, word.strip()
    interrupted = privacy.interrupted(word)
    finish(mirror, settings)
    contact = interrupted or _find(mirror, word)
    again = privacy.forgotten_at(contact) is not None
    if not interrupted and not agree(contact, privacy.preview(contact)):
        return None
    privacy.forget(contact, word)
    done = finish(mirror, settings)
    return Forgotten(contact, *done, left=_strangers(settings.data_dir), again=again)


def finish(mirror: Mirror, settings: Settings) -> tuple[Mapping[str, int], int, int]:
    """Do what is left to do of a forgetting; returns rows by table, lines of the journal, plans.

    First the files, from which a table could be filled again, then the tables, then the bytes,
    then the published copy.
    """
    privacy = mirror.privacy
    if not privacy.unfinished:
        return {}, 0, 0
    from zdsync.changes import scrub  # a pull must not wait for the rules

    lines = scrub.journal(settings.private_dir / "journal", privacy.forgotten_tickets())
    journal_files.rewritten(mirror, settings.private_dir / "journal")
    plans = scrub.plans(settings.private_dir / "plans")
    rows = privacy.empty()
    _sweep(settings.data_dir)
    privacy.rewrite()
    mirror.publish(published(settings), exclude=settings.publish_exclude, force=True)
    privacy.finished()
    return rows, lines, plans


def keep_private(mirror: Mirror, settings: Settings, *, daily: bool) -> None:
    """Finish what was cut off, empty old texts, write the file anew where that is due.

    `daily`: old texts at most once a day (the service).
    """
    finish(mirror, settings)
    mirror.privacy.sweep()
    mirror.privacy.retire(daily=daily)
    mirror.privacy.rewrite_if_due()


def drop_plans(settings: Settings) -> None:
    """Drop the kept plans: they may quote a column that is now excluded."""
    from zdsync.changes import scrub

    scrub.plans(settings.private_dir / "plans")


def _find(mirror: Mirror, word: str) -> str:
    privacy = mirror.privacy
    found = privacy.people(word)
    if len(found) == 1:
        return found[0]
    if privacy.forgotten_at(word):
        return word
    if found:
        problems = [Problem(one, "has it", f"zdsync forget {one}") for one in found]
        raise Misconfigured(f"{len(found)} contacts have this e-mail address", problems)
    near = privacy.near(word)
    kind = "e-mail address" if "@" in word else "id"
    hint = f"contact {near} has nearly this {kind}; did you mean it?" if near else ""
    hint = hint or "give the id of the contact in Desk, or pull first"
    raise Misconfigured(f"no contact in the mirror has this {kind}", hint=hint)


def _sweep(data_dir: Path) -> None:
    """Remove what a crash of publishing may have left beside the published copy."""
    for left in (*data_dir.glob(f".{MIRROR}.*"), *data_dir.glob(f"{MIRROR}.*")):
        if left.is_dir():
            shutil.rmtree(left, ignore_errors=True)
        else:
            left.unlink(missing_ok=True)


def _strangers(data_dir: Path) -> tuple[str, ...]:
    files = [path.relative_to(data_dir) for path in data_dir.rglob("*") if path.is_file()]
    return tuple(sorted(str(one) for one in files if not any(one.match(p) for p in _OURS)))
