"""Which tickets a condition could not judge without reading more, rule by rule.

Only those for which the rest of the condition has not decided (rules/judge.py). Must not read
anything from Zoho: the flow does, and plans again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from zdsync.changes import spoken
from zdsync.changes.ground import scope
from zdsync.changes.plan import Needs, Skipped
from zdsync.changes.rows import relation
from zdsync.changes.store import Queries, query
from zdsync.rules import CompiledRule, fresh
from zdsync.sql import Sql, join

_WORDS = {"tags": "tags", "conversation": "conversations", "history": "closings"}


class _Unjudged(NamedTuple):
    """A ticket without a verdict: its tags are current, its row fresh, its conversation read, and
    who closed it told.
    """

    ticket: str
    tagged: bool
    fresh: bool
    read: bool
    told: bool


def unjudged(
    mirror: Queries, rules: Iterable[CompiledRule], as_of: datetime, *, kept: bool = False
) -> tuple[Needs, tuple[Skipped, ...]]:
    """Find the tickets that must be read, and say for each rule how many it leaves out."""
    tags: set[str] = set()
    rows: set[str] = set()
    conversations: set[str] = set()
    closings: set[str] = set()
    skipped: list[Skipped] = []
    for rule in rules:
        found = _of(mirror, rule, as_of, kept=kept) if rule.judged is not None else []
        old = {one.ticket for one in found if not one.fresh}
        silent = {one.ticket for one in found if one.fresh and not one.read}
        bare = {one.ticket for one in found if not one.tagged}
        mute = {one.ticket for one in found if not one.told}
        rows |= old
        conversations |= silent
        tags |= bare
        closings |= mute
        if found:
            what = " or ".join(word for kind, word in _WORDS.items() if kind in rule.hangs)
            reason = f"tickets left out because their {what} are not read: {len(found)}"
            skipped.append(Skipped(rule.id, reason + _price(len(bare), len(silent) + len(mute))))
    needs = Needs(*(tuple(sorted(some)) for some in (tags, rows, conversations, closings)))
    return needs, tuple(skipped)


def _price(tags: int, lists: int) -> str:
    """Say what reading would cost: a call for tags is a credit, a list is three."""
    credits = tags + 3 * lists
    return f" (reading them costs about {credits} credits)" if credits else ""


def _of(mirror: Queries, rule: CompiledRule, as_of: datetime, *, kept: bool) -> list[_Unjudged]:
    assert rule.judged is not None
    cells = [Sql("t.ticket_id")]
    cells.append(Sql("t.tags_current" if "tags" in rule.hangs else "TRUE"))
    if spoken.reads(rule):
        cells += ["coalesce(" + fresh(as_of) + ", false)", Sql("coalesce(t.replies_read, false)")]
    else:
        cells += [Sql("TRUE"), Sql("TRUE")]
    told = "coalesce(t.knows_closed_by, false)" if "history" in rule.hangs else "TRUE"
    cells.append(Sql(told))
    source = f"FROM {relation(rule) if kept else 'rule_ground AS t'} WHERE ("
    holds = (rule.quick if kept else None) or rule.judged
    found = query("SELECT", join(", ", cells), source, holds, ") IS NULL", scope(rule))
    return [_Unjudged._make(row) for row in mirror.rows(found)]
