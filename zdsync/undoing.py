"""Takes back what a run wrote: finds it in the journal, looks, plans, asks, applies.

Has no logic of its own. Works from the journal's files, so also with a lost mirror, and with a
rules file that is broken: that may be why somebody undoes. Must not write beyond the plan shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from zdsync.changes import Applied, recover
from zdsync.changes.undo import Undo, undo_plan
from zdsync.changes.undo_hands import read_hands
from zdsync.changes.undo_look import look
from zdsync.changes.undo_target import Asked, find
from zdsync.errors import Misconfigured
from zdsync.rules import RuleFile
from zdsync.sql import Sql, load

if TYPE_CHECKING:
    from zdsync.flow import Flow
    from zdsync.workplace import Run, Workplace

log = logging.getLogger(__name__)

_NAMED = 2  # files of the journal, the newest: their ids are named where a word names none


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo came to; `applied` is None where nothing was written."""

    undo: Undo
    applied: Applied | None = None


def take_back(
    place: Workplace,
    run: Run,
    word: str,
    agree: Callable[[Undo], bool],
    *,
    destructive: bool,
    progress: Callable[[int], None] = lambda done: None,
) -> Undone:
    """Undo the run or change that `word` names, where `agree` says so.

    Raises Misconfigured for a word that names none, PlanRefused beyond the limits for what closes,
    moves or marks as spam.
    """
    asked = _find(place, run, word)
    if asked.entries and recover(place.zoho.desk, place.journal, place.clock):
        place.record.follow(run.mirror)
        asked = _find(place, run, word)  # what a crash left open is settled now
    flow = place.flow(run)
    found = _plan(place, run, flow, asked)
    log.info(
        "undo=%s changes=%d already=%d left=%d",
        found.run_id,
        len(found.plan.writes),
        len(found.already),
        len(found.left),
    )
    if not found.plan.writes or not agree(found):
        return Undone(found)
    flow.refuse_beyond_limits(found.plan, _rules(place, flow), destructive=destructive)
    applied = flow.writing.apply(
        found.plan,
        place.zoho.desk,
        workers=place.zoho.workers(),
        paused=place.paused,
        progress=progress,
    )
    run.counts.update(applied.outcomes)
    return Undone(found, applied)


def _find(place: Workplace, run: Run, word: str) -> Asked:
    runs = Sql(load("zdsync.changes.queries", "runs.sql"))
    quiet = [str(row[0]) for row in run.mirror.rows(runs) if row[0] != run.id]
    about = place.journal.about(word.strip())
    return find(about or place.journal.entries(_NAMED), word, quiet)


def _plan(place: Workplace, run: Run, flow: Flow, asked: Asked) -> Undo:
    looks = look(place.zoho.desk, asked.entries, place.zoho.workers()) if asked.entries else {}
    hands = read_hands(run.mirror, asked.entries)
    return undo_plan(asked, looks, hands, flow.portal, place.clock.now())


def _rules(place: Workplace, flow: Flow) -> RuleFile:
    """The rules file for its limits; the usual limits where it is broken."""
    try:
        return place.rulebook.load(flow.portal)
    except Misconfigured as error:
        log.warning("rules=broken limits=usual reason=%s", error.what)
        return RuleFile(str(place.settings.rules))
