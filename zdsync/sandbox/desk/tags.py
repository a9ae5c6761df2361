"""Tags: those of a ticket, of a department, the tickets of one; adding and removing.

Owns the tag operations of DT 2 and DT 3. Side effects live in effects.py.
"""

from __future__ import annotations

import re
from collections import Counter

from .. import effects
from ..call import Call, Route
from ..records import Json, Ticket
from ..validate import Field, enums, offsets, one_id, sort
from ..wire import Response, empty, invalid, listed, ok, unprocessable
from .lookup import find, one, writable
from .paging import cut, page
from .ticket_lists import INCLUDE, WHO, list_answer, list_key, list_matches, ordered

_READ = ("Desk.tickets.READ",)
_CREATE = ("Desk.tickets.CREATE",)  # DT 1: tag add and remove need CREATE too
_TAG = re.compile(r"[\w \u0080-\U0010ffff.\-+%]{3,50}")


def tags_of(c: Call) -> Response:
    """GET /tickets/{id}/tags: the key is `tags`."""
    t = find(c)
    return ok({"tags": [_tag_row(c, name) for name in t.tags]})


def _tag_row(c: Call, name: str) -> Json:
    """Write a tag."""
    tag = c.state.tag(name, c.at)
    return {"id": c.shaper.id(tag.id), "name": tag.name, "tagType": "MANUAL"}


def ticket_tags(c: Call) -> Response:
    """GET /ticketTags of a department with ticket counts, descending by default."""
    department = c.q["departmentId"]

    def count() -> list[tuple[str, int]]:
        counts = Counter(
            n
            for t in c.state.tickets.values()
            for n in t.tags
            if t.department_id == department and t.trashed is None and not t.spam
        )
        return sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))

    found = list(c.state.memo(("ticketTags", department), count))
    match c.q.get("sortBy", "-count"):
        case "count":
            found.reverse()
        case "createdTime" | "-createdTime" as by:
            found.sort(key=lambda p: c.state.tag(p[0], c.at).id, reverse=by.startswith("-"))
    part = cut(found, page(c, 50, c.variant.from_base))
    rows = [_tag_row(c, name) | {"ticketCount": str(n)} for name, n in part]
    return listed(rows)


def tickets_of_tag(c: Call) -> Response:
    """GET /tags/{id}/tickets."""
    tag = one(c, c.state.tags, "tagId")
    by = c.q.get("sortBy", "createdTime")
    rows = c.state.memo(
        list_key(c, "tagged", tag.id, by),
        lambda: ordered([t for t in list_matches(c) if tag.name in t.tags], by),
    )
    return list_answer(c, rows, page(c, 10, c.variant.from_base))


def _tag_names(c: Call) -> list[str]:
    names: list[str] = c.body["tags"]
    for n, name in enumerate(names):
        if not isinstance(name, str) or not _TAG.fullmatch(name) or name.lower() == "null":
            raise invalid(f"/tags/{n}", "invalid", "The tag name is not valid")
    if not names:
        raise invalid("/tags", "invalid", "1 to 51 tags are needed")
    return names


def _check_repeats(c: Call, ticket: Ticket, *, wanted: bool) -> None:
    """Refuse names that are there already, or that are not, where this portal does."""
    have = {name.lower() for name in ticket.tags}
    if not c.variant.tags_repeat and any(
        (name.lower() in have) is not wanted for name in _tag_names(c)
    ):
        raise unprocessable("The tag is not there" if wanted else "The tag is there already")


def associate_tag(c: Call) -> Response:
    """POST /tickets/{id}/associateTag: 200 with added or all tags (DT 3 Tags)."""
    ticket = writable(c, find(c))
    _check_repeats(c, ticket, wanted=False)
    added = effects.tag(c.state, ticket, c.actor, c.at, add=_tag_names(c))
    names = added if c.variant.associate_answers == "added" else list(ticket.tags)
    return ok({"data": [_tag_row(c, name) for name in names]})


def dissociate_tag(c: Call) -> Response:
    """POST /tickets/{id}/dissociateTag: 200, empty."""
    ticket = writable(c, find(c))
    _check_repeats(c, ticket, wanted=True)
    effects.tag(c.state, ticket, c.actor, c.at, remove=_tag_names(c))
    return empty(200)


_TAGS = {"tags": Field("list", 51, required=True)}
ROUTES = [
    Route("GET", "tickets/{ticketId}/tags", _READ, tags_of),
    Route(
        "GET",
        "ticketTags",
        _READ,
        ticket_tags,
        offsets(1, 100)
        | {"departmentId": one_id(required=True), "sortBy": sort("createdTime", "count")},
        kind="range",
    ),
    Route(
        "GET",
        "tags/{tagId}/tickets",
        _READ,
        tickets_of_tag,
        offsets(1, 100)
        | WHO
        | {
            "include": enums("isRead", *INCLUDE),
            "sortBy": sort(
                "ticketNumber", "dueDate", "createdTime", "recentThread", "modifiedTime"
            ),
        },
        kind="range",
    ),
    Route("POST", "tickets/{ticketId}/associateTag", _CREATE, associate_tag, {}, _TAGS),
    Route("POST", "tickets/{ticketId}/dissociateTag", _CREATE, dissociate_tag, {}, _TAGS),
]
