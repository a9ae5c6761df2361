"""What a ticket's History tells of the fields that zdsync keeps the past of.

Owns the page walk of `GET /tickets/{id}/History` and its forms (desk-tickets.md 2 "History").
Promises events oldest first whatever the row order and the base of `from`, and `unknown` where
Zoho does not say who. Whether they fit what was observed is not decided here. No SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from zdsync.connectors.decode import instant, moment_of
from zdsync.connectors.lists import Record, records_of
from zdsync.model import Actor, Told
from zdsync.transport.session import Api

PAGE = 50  # rows a page, and no more (desk-tickets.md 1, table of limits)
CREDITS = 3.0  # of a page: ranges start at 3 (desk-tickets.md 1)
_OVERLAP = 3  # rows asked for again, so that the next page can be joined on by content
_SHIFT = 10  # rows that a page may have slid since: the base of `from`, and new events
_MOST = 40  # pages of one ticket; a ticket with more is no ticket that anybody looks at

_ACTORS: Mapping[str, Actor] = {
    "Agent": "agent",
    "Contact": "customer",
    **dict.fromkeys(
        (
            *("DirectAssignment", "RoundRobinAssignment", "NotificationRule", "SLA", "Workflow"),
            *("Macro", "Supervise", "Blueprint", "ZIA", "System"),
        ),
        "automation",
    ),
}
# `propertyName` is free text in the spec: labels of the portal or API names, folded here.
_FIELDS: Mapping[str, str] = {
    **dict.fromkeys(("status", "ticketstatus", "casestatus"), "status"),
    **dict.fromkeys(("priority", "ticketpriority", "casepriority"), "priority"),
    **dict.fromkeys(
        (
            *("assignee", "assigneeid", "assignedto", "agent", "caseowner", "caseownerid"),
            *("ticketowner", "ticketownerid", "owner", "ownerid"),
        ),
        "assignee_id",
    ),
    **dict.fromkeys(("team", "teamid", "assignedteam", "teamname"), "team_id"),
    **dict.fromkeys(("department", "departmentid", "departmentname"), "department_id"),
}
_KEPT = frozenset(_FIELDS.values())
_REFERENCES = ("assignee_id", "team_id", "department_id")
EMPTY = frozenset({"", "-", "-none-", "null"})  # how "no value" is written
_TAGGED = {"TagsAdded": ("false", "true"), "TagsRemoved": ("true", "false")}


class History:
    """Reads the History of tickets of one portal. Thread-safe."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def of(
        self,
        ticket_id: str,
        since: datetime,
        pay: Callable[[float], bool],
        more: Collection[str] = (),
    ) -> list[Told] | None:
        """Return what changed, oldest first; at least back to `since`, where Zoho knows it.

        `more`: fields to tell of beside those whose past is kept, by the column's or API name.
        `pay` is asked for the credits of each page before it is read; None where it refuses.
        Raises Missing, ZohoFailed.
        """
        rows: list[Record] = []
        known = {**{_folded(name): name for name in more}, **_FIELDS}
        for page in range(_MOST):
            if not pay(CREDITS):
                return None
            found = self._page(ticket_id, max(0, len(rows) - _OVERLAP) if page else None)
            fresh = _joined(rows, found) if page else found
            rows += fresh
            if len(found) < PAGE or not fresh:
                return list(told(oldest_first(rows), known))
            if _reaches(rows, since):
                break
        return list(told(_without_torn_second(oldest_first(rows)), known))

    def _page(self, ticket_id: str, start: int | None) -> list[Record]:
        params: dict[str, str | int] = {"limit": PAGE}
        if start is not None:
            params["from"] = start
        answer = self._api.get(f"/tickets/{ticket_id}/History", params, stream="desk.history")
        return records_of(answer)


def _joined(rows: Sequence[Record], page: Sequence[Record]) -> Sequence[Record]:
    """The rows of a page that go on after `rows`.

    Events carry no id: the page is laid upon the end of what is there, where it fits. Rows that
    fit in two places are alike, and two changes of one field in a row never are.
    """
    for start in range(len(rows) - _OVERLAP, max(-1, len(rows) - _OVERLAP - _SHIFT), -1):
        over = len(rows) - start
        if start >= 0 and list(page[:over]) == list(rows[start:]):
            return page[over:]
    return page


def _reaches(rows: Sequence[Record], since: datetime) -> bool:
    """Whether rows that come newest first go back beyond `since`."""
    times = [time for time in map(_time, rows) if time is not None]
    return bool(times) and times[0] > times[-1] and times[-1] < since - timedelta(minutes=1)


def _without_torn_second(rows: list[Record]) -> list[Record]:
    """Leave out the oldest second: the rest of it may lie on a page that was not read."""
    return [row for row in rows if _time(row) != _time(rows[0])]


def oldest_first(rows: Sequence[Record]) -> list[Record]:
    """Order rows by time; those of one second keep Zoho's order, read the right way round."""
    timed = [(time, row) for row in rows if (time := _time(row)) is not None]
    forward = [row for _, row in sorted(timed, key=lambda pair: pair[0])]
    backward = [row for _, row in sorted(timed, key=lambda pair: pair[0], reverse=True)][::-1]
    if not timed or timed[0][0] < timed[-1][0]:
        return forward
    if timed[0][0] > timed[-1][0]:
        return backward
    return forward if _breaks(forward) < _breaks(backward) else backward


def _breaks(rows: Sequence[Record]) -> int:
    """How often a field does not go on from where it was left."""
    last: dict[str, str | None] = {}
    breaks = 0
    for one in told(rows):
        breaks += last.get(one.field, one.before) != one.before
        last[one.field] = one.after
    return breaks


def told(rows: Sequence[Record], known: Mapping[str, str] = _FIELDS) -> Iterator[Told]:
    """Read events, oldest first, into changes of fields."""
    for number, row in enumerate(rows):
        at = _time(row)
        if at is None:
            continue
        actor, agent = _actor(row.get("actor"))
        name = str(row.get("eventName"))
        for field, before, after in _changes(name, row.get("eventInfo"), known):
            if before != after:
                yield Told(field, before, after, at, actor, number, agent)


def _changes(
    event: str, properties: Any, known: Mapping[str, str]
) -> Iterator[tuple[str, str | None, str | None]]:
    for one in properties if isinstance(properties, list) else ():
        if not isinstance(one, dict):
            continue
        value = one.get("propertyValue")
        if event in _TAGGED:
            for tag in dict.fromkeys(_names(value)):
                yield (f"tag:{tag}", *_TAGGED[event])
            continue
        field = known.get(_folded(one.get("propertyName")))
        ends = _ends(value)
        if field and ends:
            yield field, _word(field, ends[0]), _word(field, ends[1])
        elif isinstance(value, list):  # a PropertyGroup holds properties
            yield from _changes(event, value, known)


def _ends(value: Any) -> tuple[Any, Any] | None:
    """The two ends of a transition; its keys are not in the spec."""
    if not isinstance(value, dict):
        return None
    before = [key for key in value if _folded(key).startswith(("prev", "old", "from"))]
    after = [key for key in value if _folded(key).startswith(("upd", "new", "cur", "to"))]
    if len(before) > 1 or len(after) > 1 or not (before or after):
        return None
    # Any key may be missing (desk-tickets.md 1): an end that is not told counts as empty, and
    # what was observed says whether that holds.
    return value[before[0]] if before else None, value[after[0]] if after else None


def _word(field: str, value: Any) -> str | None:
    """A value as text: the id of a person or place where it is told, else the name."""
    if isinstance(value, dict):
        first, second = ("id", "name") if field in _REFERENCES else ("name", "id")
        found = value.get(first)
        value = found if found not in (None, "") else value.get(second)
    if isinstance(value, bool) and field not in _KEPT:
        return str(value).lower()  # of a flag such as spam
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip()
    empty = {*EMPTY, "unassigned"} if field == "assignee_id" else EMPTY
    return None if text.casefold() in empty else text


def _names(value: Any) -> Iterator[str]:
    """Every text that a list of tags holds, in whatever form."""
    if isinstance(value, str):
        yield from (name.strip() for name in value.split(",") if name.strip())
    elif isinstance(value, list):
        for one in value:
            yield from [one] if isinstance(one, str) else _names(one)
    elif isinstance(value, dict):
        if isinstance(value.get("name"), str):
            yield value["name"]
        else:
            for one in value.values():
                yield from _names(one)


def _actor(value: Any) -> tuple[Actor, str | None]:
    """Who did it, and which agent. A kind that the spec does not know is not guessed at."""
    if not isinstance(value, dict):
        return "unknown", None
    actor, id = _ACTORS.get(str(value.get("type")), "unknown"), value.get("id")
    named = actor == "agent" and isinstance(id, str | int) and str(id).isdigit()
    return actor, str(id) if named else None


def _folded(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).casefold())


def _time(row: Record) -> datetime | None:
    try:
        return moment_of(instant(row.get("eventTime")))
    except ValueError:
        return None
