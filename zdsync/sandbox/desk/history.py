"""The past of a ticket: its history, and durations drawn from it.

Owns GET History, metrics, and what this portal has none of: blueprints, time entries
(DT 2, DT 3). Must not change state.
"""

from __future__ import annotations

from typing import Any

from ..call import Call, Route
from ..records import Event, Json
from ..times import HOUR, MINUTE, SECOND
from ..validate import enum, enums, offsets, one_id, text
from ..wire import Refused, Response, empty, listed, ok
from .lookup import find
from .paging import cut, page

_T = "tickets/{ticketId}/"
_READ = ("Desk.tickets.READ",)
_EVENTS = (
    "Comment",
    "TimeEntry",
    "Task",
    "Call",
    "Event",
    "Attachment",
    "Approval",
    "Supervise",
    "Workflow",
    "Macro",
    "AssignmentRule",
    "NotificationRule",
    "SLA",
    "Blueprint",
    "SkillRelated",
    "ZiaRelated",
)


def _event(c: Call, event: Event) -> Json:
    info = [
        {
            "propertyName": name,
            "propertyType": kind,
            "systemProperty": False,
            "propertyValue": _value(c, kind, before, after),
        }
        for name, kind, before, after in event.info
    ]
    actor = {
        "id": c.shaper.id(event.actor.id),
        "name": event.actor.name,
        "type": event.actor.type,
    }
    return {
        "actor": actor if c.variant.history_actor else None,
        "actorInfo": [],
        "eventInfo": info,
        "eventName": event.name,
        "eventTime": c.shaper.time(event.at - event.at % 1000),
        "source": None,
    }


def _value(c: Call, kind: str, before: Any, after: Any) -> Any:
    if kind == "TextList":  # tags that came or went
        return after if before is None else before
    return {"previousValue": _told(c, before), "updatedValue": _told(c, after)}


def _told(c: Call, value: Any) -> Any:
    """Write a person or place as the variant does: as entity, by id or by name."""
    if not isinstance(value, dict):
        return value
    if c.variant.history_values == "entity":
        return {**value, "id": c.shaper.id(value["id"])}
    return value[c.variant.history_values]


def history(c: Call) -> Response:
    """GET History: whole seconds; order, delay and refusal are the variant's (DT 2 History)."""
    ticket = find(c)
    if c.variant.history_answers != 200:
        raise Refused(c.variant.history_answers, "FORBIDDEN", "No access to the history")
    until = c.at - c.variant.history_lag_seconds * SECOND
    rows = [
        e
        for e in c.state.children.history(ticket)
        if c.q.get("agentId", e.actor.id) == e.actor.id and e.at <= until and _event_fits(c, e)
    ]
    if c.variant.history_newest_first:
        rows.reverse()
    part = cut(rows, page(c, 50, c.variant.history_from_base))
    return listed([_event(c, e) for e in part])


def _event_fits(c: Call, event: Event) -> bool:
    if "fieldName" in c.q and not any(i[0] == c.q["fieldName"] for i in event.info):
        return False
    kind = c.q.get("eventFilter", "").removesuffix("History")
    return event.name.startswith(kind)


def metrics(c: Call) -> Response:
    """GET metrics: durations are text (DT 2)."""
    ticket = find(c)
    every = c.state.children.threads(ticket)
    out = [t for t in every if t.direction == "out"]
    first = _hours(out[0].created - ticket.created) if out else "00:00 hrs"
    done = _hours(ticket.closed - ticket.created) if ticket.closed else "00:00 hrs"
    return ok(
        {
            "firstResponseTime": first,
            "totalResponseTime": first,
            "resolutionTime": done,
            "responseCount": str(len(out)),
            "outgoingCount": str(len(out)),
            "reopenCount": "0",
            "threadCount": str(len(every)),
            "reassignCount": "0",
            "agentsHandled": [],
            "stagingData": [{"status": ticket.status, "handledTime": done}],
        }
    )


def _hours(ms: int) -> str:
    return f"{ms // HOUR:02}:{ms % HOUR // MINUTE:02} hrs"


def blueprint(c: Call) -> Response:
    """GET blueprint: how one looks is not modelled, only what it refuses (blocks.py)."""
    find(c)
    return empty()


def time_entries(c: Call) -> Response:
    """GET timeEntry: none."""
    find(c)
    return empty()


ROUTES = [
    Route(
        "GET",
        _T + "History",
        _READ,
        history,
        {
            "agentId": one_id(),
            "fieldName": text(0, 100),
            **offsets(1, 50),
            "eventFilter": enum(*(f"{name}History" for name in _EVENTS)),
        },
        kind="range",
    ),
    Route("GET", _T + "metrics", _READ, metrics),
    Route(
        "GET",
        _T + "blueprint",
        _READ,
        blueprint,
        {"include": enums("transitionOwnerAgents", "transitionOwnerTeams", "transitionOwnerDept")},
    ),
    Route(
        "GET",
        _T + "timeEntry",
        _READ,
        time_entries,
        offsets(1, 100),
        kind="range",
    ),
]
