"""The ground of the rules as it would be once changes are applied: a temporary table, no more.

Only tickets that change stay in it. A ticket that gets what cannot be played (a comment, a reply:
they change the conversation) or that leaves (spam) is taken out. Must not write to the mirror.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime

from zdsync.changes.drafts import Draft
from zdsync.changes.ground import fold_short
from zdsync.changes.store import Queries, query, table, texts
from zdsync.changes.wire import custom_name, is_tag, tag_name
from zdsync.model import Portal, Scalar
from zdsync.rules.compiled import CompiledRule, fold_columns
from zdsync.rules.folding import searchable_in_sql
from zdsync.rules.instants import naive
from zdsync.sql import Sql, ident

Rows = list[list[str | None]]

_SET = "UPDATE rule_ground AS t SET"
# field → what its rows (the ticket's id, then values) set
_VALUES = {
    "department": "department = s.r[2], department_id = s.r[3]",
    "assignee": "assignee = s.r[2], assignee_id = s.r[3],"
    " assigned_since = CAST(s.r[4] AS TIMESTAMP)",
    "team": "team = s.r[2], team_id = s.r[3]",
    "status": "status = s.r[2], status_type = s.r[3], status_since = CAST(s.r[4] AS TIMESTAMP),"
    " closed = CASE WHEN s.r[3] = 'Closed' THEN CAST(s.r[4] AS TIMESTAMP) ELSE t.closed END",
    "tags": "tags = s.r[2:]",
    "due": "due = TRY_CAST(s.r[2] AS TIMESTAMP)",
    "cf": "cf = json_merge_patch(coalesce(t.cf, CAST('{}' AS JSON)), json_object(s.r[2], s.r[3]))",
    **{
        name: f"{ident(name)} = s.r[2]"
        for name in ("priority", "category", "sub_category", "classification")
    },
}
_BEHIND = """
    modified = CAST($1 AS TIMESTAMP), is_overdue =
    coalesce(t.status_type IS DISTINCT FROM 'Closed' AND t.due < CAST($1 AS TIMESTAMP), false)
"""


def put_values(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    drafts: Sequence[Draft],
    portal: Portal,
    as_of: datetime,
) -> bool:
    """Turn `rule_ground` into what it is after these changes; False where no ticket is left."""
    gone = {draft.ticket.id for draft in drafts if _kind(draft) not in _VALUES}
    left = [draft for draft in drafts if draft.ticket.id not in gone]
    ids = texts(dict.fromkeys(draft.ticket.id for draft in left))
    mirror.run(query("DELETE FROM rule_ground WHERE ticket_id NOT IN (", ids, ")"))
    now = str(naive(as_of))
    for kind, rows in _all_rows(left, portal, now):
        source = query("FROM (", table(rows), ") s WHERE s.r[1] = t.ticket_id")
        mirror.run(query(_SET, _VALUES[kind], source))
    mirror.run(Sql(f"{_SET} {_BEHIND}", (now,)))
    short = [one for one in fold_columns(rules) if not one.long]
    for one in short:
        mirror.run(query(_SET, f"{ident(one.column)} =", searchable_in_sql(one.raw)))
    fold_short(mirror, short)
    return bool(left)


def _kind(draft: Draft) -> str:
    if is_tag(draft.field):
        return "tags"
    return "cf" if custom_name(draft.field) else draft.field


def _all_rows(drafts: Sequence[Draft], portal: Portal, now: str) -> Iterator[tuple[str, Rows]]:
    """The rows of each kind of change; a move comes first, for it may free what is given after."""
    some: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        some[_kind(draft)].append(draft)
    for kind in sorted(some, key=lambda kind: (kind != "department", kind)):
        if kind == "tags":
            yield kind, _tags(some[kind])
            continue
        yield kind, [_row(kind, draft, portal, now) for draft in some[kind]]
        if kind == "department":
            yield from _freed(some[kind], portal)


def _row(kind: str, draft: Draft, portal: Portal, now: str) -> list[str | None]:
    after = _text(draft.after)
    match kind:
        case "status":
            class_ = portal.statuses.get(after or "", draft.ticket.status_type)
            return [draft.ticket.id, after, class_, now]
        case "cf":
            return [draft.ticket.id, custom_name(draft.field), after]
    return [draft.ticket.id, after, draft.after_id, now]


def _tags(drafts: Sequence[Draft]) -> Rows:
    tags: dict[str, set[str]] = {}
    for draft in drafts:
        have = tags.setdefault(draft.ticket.id, set(draft.ticket.tags or ()))
        name = tag_name(draft.field).casefold()
        (have.add if draft.after else have.discard)(name)
    return [[ticket, *sorted(have)] for ticket, have in tags.items()]


def _freed(drafts: Sequence[Draft], portal: Portal) -> Iterator[tuple[str, Rows]]:
    """What a move takes from a ticket: an agent or a team that is not of the new department."""
    agents = {agent.id: agent.departments for agent in portal.agents}
    teams = {team.id: frozenset({team.department_id}) for team in portal.teams}
    for kind, homes in (("assignee", agents), ("team", teams)):
        rows: Rows = []
        for draft in drafts:
            key = draft.ticket.assignee_id if kind == "assignee" else draft.ticket.team_id
            if key and draft.after_id not in homes.get(key, frozenset()):
                rows.append([draft.ticket.id, None, None, None])
        yield kind, rows


def _text(value: Scalar) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
