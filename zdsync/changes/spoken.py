"""What rules read of conversations and History: those columns of the ground.

They join the ground only where a rule reads them: a plan of other rules pays nothing. Comments on
calls are counted here, for only a rules file knows how they begin. Must not decide anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from zdsync.changes.store import Queries, query, table
from zdsync.rules.compiled import CompiledRule
from zdsync.rules.folding import searchable
from zdsync.sql import Sql

# A write because of a conversation is stale where these have moved since the plan.
COUNTS = ("thread_count", "comment_count")
# What tells of a ticket what is read of it (changes/needs.py).
STANDING = ("tags_current", "row_seen_at", "replies_read")
COUNTED = ("attempts", "replies_read", "replies_last_inbound")  # what counting calls needs
_BEGINNING = 2_000  # characters of a comment that are looked at
# What hangs on tickets → the view that tells it, one row a live ticket.
_TOLD_BY = {"conversation": "zdsync.ticket_replies", "history": "zdsync.ticket_closers"}
_NOTES = """
SELECT c.ticket_id, left(c.content, ?)
FROM desk.comments c JOIN {ground} t ON t.ticket_id = c.ticket_id
WHERE t.replies_read AND c.deleted_at IS NULL AND c.content IS NOT NULL
    AND json_extract_string(c.commenter, '$.type') IS DISTINCT FROM 'END_USER'
    AND (t.replies_last_inbound IS NULL OR c.commented_time > t.replies_last_inbound)
"""


def reads(rule: CompiledRule) -> bool:
    """Whether a rule reads what only conversations tell."""
    return "conversation" in rule.hangs


def source(rules: Sequence[CompiledRule]) -> str:
    """Write where the ground comes from: with the conversations and closers if rules read them."""
    views = [view for kind, view in _TOLD_BY.items() if any(kind in one.hangs for one in rules)]
    if not views:
        return "zdsync.rule_tickets AS t"
    columns = "".join(f", s{n}.* EXCLUDE (ticket_id)" for n, _ in enumerate(views))
    joins = "".join(
        f" LEFT JOIN {view} AS s{n} ON s{n}.ticket_id = r.ticket_id" for n, view in enumerate(views)
    )
    pieces = ("(SELECT r.*", columns, " FROM zdsync.rule_tickets AS r", joins, ") AS t")
    return "".join(pieces)


def count_calls(
    mirror: Queries, rules: Sequence[CompiledRule], ground: str = "rule_ground"
) -> None:
    """Add the comments on calls since the customer last wrote to `attempts`."""
    markers = tuple({marker for rule in rules for marker in rule.call_markers})
    if not markers:
        return
    notes = mirror.rows(Sql(_NOTES.format(ground=ground), (_BEGINNING,)))
    calls = Counter(one for one, text in notes if searchable(text).startswith(markers))
    if calls:
        counted = table([(ticket, str(many)) for ticket, many in calls.items()])
        added = "AS t SET attempts = attempts + CAST(s.r[2] AS BIGINT) FROM ("
        mirror.run(query("UPDATE", ground, added, counted, ") s WHERE s.r[1] = t.ticket_id"))
