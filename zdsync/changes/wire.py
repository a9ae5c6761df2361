"""Fields of the rules language ↔ keys of Zoho's ticket, and when two values are the same.

Pure. Owns the one table of writable fields (desk-tickets.md section 3, "Writable through PATCH").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Protocol

from zdsync.model import Change, Row, Scalar

# field → (key of PATCH, column of a decoded detail)
PATCHED: Mapping[str, tuple[str, str]] = {
    "assignee": ("assigneeId", "assignee_id"),
    "team": ("teamId", "team_id"),
    "priority": ("priority", "priority"),
    "status": ("status", "status"),
    "category": ("category", "category"),
    "sub_category": ("subCategory", "sub_category"),
    "classification": ("classification", "classification"),
    "channel": ("channel", "channel"),
    "language": ("language", "language"),
    "due": ("dueDate", "due_date"),
    "resolution": ("resolution", "resolution"),
}
GIVEN = frozenset({"assignee", "team"})  # what a move may take from a ticket
_NEVER_NULL = frozenset({"status", "resolution"})  # TicketUpdate of desk-tickets.openapi.json
_EMPTY = frozenset({"", "-none-"})  # what Zoho shows for a pick list without a choice


def is_speech(field: str) -> bool:
    """Whether the field is something said: `comment`, `reply` or `notify:NAME`."""
    return field in {"comment", "reply"} or field.startswith("notify:")


def is_tag(field: str) -> bool:
    """Whether the field is one tag (`tag:NAME`)."""
    return field.startswith("tag:")


def tag_name(field: str) -> str:
    """NAME of `tag:NAME`."""
    return field.partition(":")[2]


def custom_name(field: str) -> str | None:
    """API name of `cf.NAME`, None for any other field."""
    return field[3:] if field.startswith("cf.") else None


def field_name(api_name: str) -> str:
    """Name in the language of a ticket field that a setting gives by API name (`cf_outcome`)."""
    return f"cf.{api_name}" if api_name.startswith("cf_") else api_name


@lru_cache(maxsize=8192, typed=True)
def wire(field: str, value: Scalar, remote_id: str | None) -> Mapping[str, Any]:
    """Write one field as the API takes it; `remote_id` stands for people and places.

    Not to be changed by who gets it: many changes of a plan share one.
    """
    if is_speech(field):
        return spoken_wire(field, remote_id) if remote_id else {}
    if field == "department":
        return {"departmentId": remote_id}
    if field in {"assignee", "team"}:
        return {PATCHED[field][0]: remote_id}
    if field == "spam":
        return {"isSpam": bool(value)}
    if is_tag(field):
        return {"tag": tag_name(field), "on": bool(value)}
    if name := custom_name(field):
        return {"cf": {name: _choice(value)}}
    if field == "due":
        return {"dueDate": _instant(value)}
    return {PATCHED[field][0]: value if field in _NEVER_NULL else _choice(value)}


def _choice(value: Scalar) -> Scalar:
    """Nothing as Zoho takes it: null, whatever it shows for a pick list without a choice."""
    return None if isinstance(value, str) and value.strip().lower() in _EMPTY else value


def whom(assignee_id: Scalar, team_id: Scalar) -> Mapping[str, Any]:
    """Write whom a ticket has, for the journal of a move: what that takes, an undo gives back."""
    return {PATCHED["assignee"][0]: assignee_id, PATCHED["team"][0]: team_id}


def _instant(value: Scalar) -> str | None:
    """Write the mirror's `2026-03-01 09:00:00` as Zoho does, to the second."""
    text = str(value or "")
    return f"{text[:10]}T{text[11:19]}.000Z" if text else None


def spoken_wire(field: str, address: str) -> Mapping[str, Any]:
    """Write where something said goes; its text is not here, for the journal holds none."""
    match field:
        case "comment":
            return {"isPublic": address == "public"}
        case "reply":
            sender, _, mail = address.partition(" ")
            return {"fromEmailAddress": sender, "to": mail}
    return {"to": address}


def lasting(change: Change) -> Mapping[str, Any]:
    """What the journal keeps of a change's wire: not a customer's address."""
    if change.field != "reply":
        return change.wire
    return {key: value for key, value in change.wire.items() if key != "to"}


def seen(row: Row, field: str) -> Scalar:
    """Read what a detail shows of a field: ids for people and places; absent is None.

    Tags are in no ticket row (desk-tickets.md section 2): not to be asked here.
    """
    found: Any
    if field == "department":
        found = row.get("department_id")
    elif field == "spam":
        return bool(row.get("is_spam"))
    elif name := custom_name(field):
        found = (row.get("cf") or {}).get(name)
    else:
        found = row.get(PATCHED[field][1])
        found = _instant(found) if field == "due" else found
    return found if found is None or isinstance(found, str | int | float | bool) else str(found)


def still(saw: Mapping[str, Scalar], row: Row, said: Mapping[str, int]) -> bool:
    """Whether a detail shows what the plan saw beside its fields, as far as it shows that.

    `said`: messages of ours since the plan, by the column that counts them; it may lag behind.
    """
    return all(
        row.get(name) in {None, was, int(was) + said.get(name, 0)}
        for name, was in saw.items()
        if was is not None
    )


class Intended(Protocol):
    """A change, or its intent as the journal remembers it."""

    @property
    def field(self) -> str: ...
    @property
    def before(self) -> Scalar: ...
    @property
    def after(self) -> Scalar: ...
    @property
    def wire(self) -> Mapping[str, Any]: ...
    @property
    def wire_before(self) -> Mapping[str, Any]: ...


def planned(change: Intended, *, after: bool) -> Scalar:
    """Value of a change in the API's words: the id where the field is a person or a place."""
    body = change.wire if after else change.wire_before
    name = custom_name(change.field)
    if name:
        return dict(body.get("cf", {})).get(name)
    if change.field == "department":
        return body.get("departmentId")
    if change.field in PATCHED:
        return body.get(PATCHED[change.field][0])
    return change.after if after else change.before


def with_accepted(row: Row, changes: Iterable[Change], earlier: Row) -> Row:
    """Complete an answer by what Zoho accepted and does not show.

    A profile may hide a field and still let it be set (desk-tickets.md section 1): without this
    the mirror would never learn the value, and the same write would be planned for ever.
    """
    told = dict(row)
    for change in changes:
        value = planned(change, after=True)
        if name := custom_name(change.field):
            if "cf" not in row:
                told["cf"] = {**(earlier.get("cf") or {}), **(told.get("cf") or {}), name: value}
        elif PATCHED[change.field][1] not in row:
            # A row holds instants as the mirror spells them: that is how the plan shows them.
            told[PATCHED[change.field][1]] = change.after if change.field == "due" else value
    return told


def same(one: Scalar, other: Scalar) -> bool:
    """Whether two values mean the same to Zoho: null and '' and -None-, 5.0 and "5.00"."""
    if one is other or one == other:
        return True
    if one.__class__ is bool and other.__class__ is bool:
        return False
    return _plain(one) == _plain(other)


@lru_cache(maxsize=8192, typed=True)
def _plain(value: Scalar) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip()
    if text.lower() in _EMPTY:
        return ""
    if text.lower() in {"true", "false"}:
        return text.lower()
    return _number(text) if text[0] in "-.0123456789" else text


def _number(text: str) -> str:
    # Ids have more digits than a float: only what has a fraction is read as a number.
    if "." not in text:
        return text
    whole, _, rest = text.partition(".")
    if not rest.isdigit() or not whole.lstrip("-").isdigit():
        return text
    rest = rest.rstrip("0")
    return f"{whole}.{rest}" if rest else whole


def body(changes: Iterable[Change]) -> dict[str, Any]:
    """Join the changes of one ticket into the body of one PATCH."""
    joined: dict[str, Any] = {}
    for change in changes:
        for key, value in change.wire.items():
            if key == "cf":
                joined.setdefault("cf", {}).update(value)
            else:
                joined[key] = value
    return joined


def names(change: Change) -> frozenset[str]:
    """The API names by which Zoho may refuse this change."""
    custom = custom_name(change.field)
    return frozenset({custom} if custom else change.wire)
