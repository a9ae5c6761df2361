"""Which tickets a condition could not judge without reading more, rule by rule.

Only those for which the rest of the condition has not decided (rules/judge.py). Must not read
anything from Zoho: the flow does, and plans again.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from zdsync.changes import spoken
from zdsync.changes.ground import scope
from zdsync.changes.plan import Needs, Skipped
from zdsync.changes.store import Queries, query
from zdsync.rules import CompiledRule, fresh
from zdsync.sql import Sql, join


def unjudged(
    mirror: Queries, rules: Iterable[CompiledRule], as_of: datetime
) -> tuple[Needs, tuple[Skipped, ...]]:
    """Find the tickets that must be read, and say for each rule how many it leaves out."""
    tags: set[str] = set()
    rows: set[str] = set()
    conversations: set[str] = set()
    skipped: list[Skipped] = []
    for rule in rules:
        found = _of(mirror, rule, as_of) if rule.judged is not None else []
        old = {one for one, _, fresh_row, _ in found if not fresh_row}
        silent = {one for one, _, fresh_row, read in found if fresh_row and not read}
        bare = {one for one, tagged, _, _ in found if not tagged}
        rows |= old
        conversations |= silent
        tags |= bare
        what = "tags" if "tags" in rule.hangs else "conversations"
        if rule.hangs >= {"tags", "conversation"}:
            what = "tags or conversations"
        if found:
            reason = f"tickets left out because their {what} are not read: {len(found)}"
            skipped.append(Skipped(rule.id, reason + _price(len(bare), len(silent))))
    needs = Needs(*(tuple(sorted(some)) for some in (tags, rows, conversations)))
    return needs, tuple(skipped)


def _price(tags: int, conversations: int) -> str:
    """Say what reading would cost: a call for tags is a credit, a list is three."""
    credits = tags + 3 * conversations
    return f" (reading them costs about {credits} credits)" if credits else ""


def _of(mirror: Queries, rule: CompiledRule, as_of: datetime) -> list[tuple[str, bool, bool, bool]]:
    """Tickets without a verdict: id, whether tags are current, row fresh, conversation read."""
    assert rule.judged is not None
    cells = [Sql("t.ticket_id")]
    cells.append(Sql("t.tags_current" if "tags" in rule.hangs else "TRUE"))
    if spoken.reads(rule):
        cells += ["coalesce(" + fresh(as_of) + ", false)", Sql("coalesce(t.replies_read, false)")]
    else:
        cells += [Sql("TRUE"), Sql("TRUE")]
    found = query(
        "SELECT", join(", ", cells), "FROM rule_ground AS t WHERE (", rule.judged, ") IS NULL",
        scope(rule),
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in mirror.rows(found)]
