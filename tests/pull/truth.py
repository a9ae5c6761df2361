"""What the mirror must hold, told from the sandbox's own answers and the Catalog alone.

The law, for one record of a stream:

1. Presence is the remote's. A record that search hides may be unknown to the mirror; one that it
   shows may not. A record that is gone for good is unknown or carries a tombstone.
2. A column whose key stands in the answer by which a stream is walked now (search for tickets,
   contacts and accounts, the list for all others; the detail for a record that search hides)
   equals that answer.
   (A null says nothing where the Catalog knows no such key in that answer.)
3. A column whose key only other answers carry is empty, or holds what one of them once said.
4. So does a column that changed while the modified time stood still: no walk can see that.
   The machine notes these (`Silent`); an edit within the second of the modified time is none.
5. Tombstones keep what was read: every column is empty or as it was once served.
6. `extra` holds every key that nobody modelled, by the laws 2 to 5. No id stands twice.

Nothing here is shared with the decoder: types are read again from the Catalog.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from zdsync.sandbox import Sandbox
from zdsync.sandbox.call import Call
from zdsync.sandbox.crm import fields as crm_fields
from zdsync.sandbox.crm import shapes as crm
from zdsync.sandbox.crm import users as crm_users
from zdsync.sandbox.crm.modules import MODULES, all_names
from zdsync.sandbox.desk import field_lists
from zdsync.sandbox.desk.fields import FIELDS
from zdsync.sandbox.records import Account, Actor, Contact, CrmRecord, Json, Ticket
from zdsync.sandbox.shapes import agents
from zdsync.sandbox.shapes.accounts import account_detail, account_search
from zdsync.sandbox.shapes.contacts import contact_detail, contact_search
from zdsync.streams import STREAMS, Field, StreamSpec

CRM_FIELD_MODULES = ("Contacts", "Accounts", "Leads")
DESK_FIELD_MODULES = ("tickets", "contacts", "accounts")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as the remote would answer now; `walked` is the answer of its walk."""

    presence: str
    walked: Json
    shown: bool = True


def records(box: Sandbox, stream: str) -> dict[str, Record]:
    """Every record of a stream, by the id that the mirror gives it."""
    return {
        "desk.tickets": _tickets,
        "desk.contacts": lambda b: _people(b, b.state.contacts, contact_search, _contact_detail),
        "desk.accounts": lambda b: _people(b, b.state.accounts, account_search, _account_detail),
        "desk.agents": lambda b: _plain(
            agents.agent(b.api.shaper, a, []) for a in _all(b, "agents")
        ),
        "desk.departments": lambda b: _plain(
            agents.department(b.api.shaper, d) for d in _all(b, "departments")
        ),
        "desk.teams": lambda b: _plain(agents.team(b.api.shaper, t) for t in _all(b, "teams")),
        "desk.fields": _desk_fields,
        "crm.fields": _crm_fields,
        "crm.users": lambda b: _plain(crm_users._shape(_call(b), u) for u in _all(b, "crm_users")),
        "crm.contacts": lambda b: _crm(b, "Contacts"),
        "crm.accounts": lambda b: _crm(b, "Accounts"),
        "crm.leads": lambda b: _crm(b, "Leads"),
    }[stream](box)


def _all(box: Sandbox, store: str) -> list[Any]:
    return list(getattr(box.state, store).values())


def _call(box: Sandbox) -> Call:
    return Call(box.state, box.variant, box.api.shaper, box.at(), Actor(None, "", ""), {}, {})


def _plain(rows: Iterator[Json]) -> dict[str, Record]:
    return {str(row["id"]): Record("live", row) for row in rows}


def _tickets(box: Sandbox) -> dict[str, Record]:
    return {one.id: _ticket(box, one) for one in box.state.tickets.values()}


def _ticket(box: Sandbox, one: Ticket) -> Record:
    words = ("trashed", one.trashed), ("spam", one.spam), ("archived", one.archived)
    presence = next((word for word, flag in words if flag), "live")
    if box.state.searchable(one):
        return Record(presence, box.api.shaper.search_row(one, box.at()))
    return Record(presence, box.api.shaper.detail(one, box.at(), ()), shown=False)


def _people(
    box: Sandbox,
    store: Mapping[str, Any],
    search: Callable[[Any, Any], Json],
    detail: Callable[[Any, Any], Json],
) -> dict[str, Record]:
    pen = box.api.shaper
    return {
        one.id: Record("live", search(pen, one))
        if one.trashed is None
        else Record("trashed", detail(pen, one), shown=False)
        for one in store.values()
    }


def _contact_detail(pen: Any, one: Contact) -> Json:
    return contact_detail(pen, one, [])


def _account_detail(pen: Any, one: Account) -> Json:
    return account_detail(pen, one, "")


def _desk_fields(box: Sandbox) -> dict[str, Record]:
    write = field_lists._new_field if box.variant.fields_endpoint else field_lists._old_field
    rows = [
        (module, write(module, n, meta))
        for module in DESK_FIELD_MODULES
        for n, meta in enumerate(FIELDS[module])
    ]
    for _, row in rows:
        if "allowedValues" in row:
            row["pickListValues"] = row.pop("allowedValues")
    return _named(rows, "apiName")


def _crm_fields(box: Sandbox) -> dict[str, Record]:
    rows = [
        (module, row)
        for module in CRM_FIELD_MODULES
        for row in crm_fields._rows(_call(box), module)
    ]
    return _named(rows, "api_name")


def _named(rows: list[tuple[str, Json]], key: str) -> dict[str, Record]:
    """Fields go by an id of ours: Zoho need not tell one."""
    found = {}
    zoho = "fieldId" if key == "apiName" else "field_id"
    for module, row in rows:
        own = f"{module}.{row[key]}"
        found[own] = Record("live", {**row, zoho: row["id"], "module": module, "id": own})
    return found


def _crm(box: Sandbox, module: str) -> dict[str, Record]:
    return {one.id: _crm_record(box, module, one) for one in box.state.crm_records(module).values()}


def _crm_record(box: Sandbox, module: str, one: CrmRecord) -> Record:
    row = crm.record(_call(box), one, [*all_names(module), *one.values])
    if one.deleted is None:
        return Record("live", row)
    return Record("trashed" if one.deleted_kind == "recycle" else "gone", row, shown=False)


# -- one value, read by the Catalog ---------------------------------------------------------------

_ABSENT = object()


def told(row: Json, item: Field) -> Any:
    """What an answer says of a column, in the mirror's terms; `_ABSENT` where it says nothing."""
    outer, _, inner = item.path.partition(".")
    if outer not in row:
        return _ABSENT
    value = row[outer]
    if inner:
        if value is None:
            return None
        value = value.get(inner, _ABSENT) if isinstance(value, dict) else _ABSENT
        if value is _ABSENT:
            return _ABSENT
    try:
        return None if value is None else _READ[item.type](value)
    except (TypeError, ValueError):
        return None  # it does not fit: the column is empty, `extra` has it


def _instant(value: Any) -> datetime:
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC).replace(tzinfo=None)
    return datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)


_READ: Mapping[str, Callable[[Any], Any]] = {
    "text": lambda v: ("true" if v else "false") if isinstance(v, bool) else str(v),
    "int": lambda v: None if v == "" else int(v),
    "float": float,
    "bool": bool,
    "instant": _instant,
    "date": str,
    "json": lambda v: v,
    "list": lambda v: [str(one) for one in v],
}


def custom_of(spec: StreamSpec, row: Json) -> Json:
    """The CRM's custom fields of a record, by API name; empty ones need not be told."""
    names = {meta.api_name for meta in MODULES[spec.module] if meta.custom}
    return {key: value for key, value in row.items() if key in names and value is not None}


def unmodelled(spec: StreamSpec, row: Json) -> Json:
    """The keys of an answer that belong into `extra`."""
    known = {item.path.partition(".")[0] for item in spec.fields} | spec.ignored | {"id"}
    own = custom_of(spec, row) if spec.walk == "crm" else {}
    return {k: v for k, v in row.items() if k not in known and k[:1] != "$" and k not in own}


def _same(left: Any, right: Any) -> bool:
    return json.dumps(left, sort_keys=True, default=str) == json.dumps(
        right, sort_keys=True, default=str
    )


# -- what was ever served ------------------------------------------------------------------------


@dataclass
class Served:
    """Every record of every answer, by stream and id; and what changed without a word."""

    rows: dict[str, dict[str, list[Json]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    silent: set[tuple[str, str, str]] = field(default_factory=set)
    _last: dict[str, dict[str, Record]] = field(default_factory=dict)

    def note(self, stream: str, row: Json) -> None:
        """Remember one served record."""
        self.rows[stream][str(row["id"])].append(row)

    def look(self, box: Sandbox) -> None:
        """Compare with the last look: who changed while its modified time stood still?"""
        second = box.at() // 1000
        for spec in STREAMS:
            if spec.walk not in ("time", "crm"):
                continue
            now, before = records(box, spec.name), self._last.get(spec.name, {})
            for one, record in now.items():
                if one in before:
                    self._compare(spec, one, before[one], record, second)
            self._last[spec.name] = now

    def _compare(
        self, spec: StreamSpec, one: str, before: Record, now: Record, second: int
    ) -> None:
        stamp = "modifiedTime" if spec.system == "desk" else "Modified_Time"
        at = _instant(now.walked[stamp])
        if at != _instant(before.walked[stamp]):
            self.silent = {item for item in self.silent if item[:2] != (spec.name, one)}
        elif int(at.replace(tzinfo=UTC).timestamp()) != second and before.shown == now.shown:
            changed = [k for k, v in now.walked.items() if not _same(v, before.walked.get(k))]
            self.silent |= {(spec.name, one, key) for key in changed}


# -- the comparison ------------------------------------------------------------------------------


def differences(
    box: Sandbox, served: Served, rows_of: Callable[[str], list[Json]]
) -> list[tuple[Any, ...]]:
    """Where the mirror breaks the law; `rows_of` gives the rows of a stream as dicts."""
    found: list[tuple[Any, ...]] = []
    for spec in STREAMS:
        truth = records(box, spec.name)
        rows = rows_of(spec.name)
        held = {row["id"]: row for row in rows}
        if len(held) != len(rows):
            found.append((spec.name, "ids that stand twice", len(rows) - len(held)))
        found += [
            (spec.name, one, "is missing")
            for one, record in truth.items()
            if record.shown and one not in held
        ]
        for one, row in held.items():
            found += [(spec.name, one, *what) for what in _row(spec, one, row, truth, served)]
    return found


def _row(
    spec: StreamSpec, one: str, row: Json, truth: Mapping[str, Record], served: Served
) -> Iterator[tuple[Any, ...]]:
    record = truth.get(one)
    wanted = record.presence if record else "gone"
    if row["presence"] != wanted:
        yield ("presence", row["presence"], wanted)
    if (row["deleted_at"] is None) != (row["presence"] not in ("trashed", "gone")):
        yield ("deleted_at", row["deleted_at"], wanted)
    answers = served.rows[spec.name][one]
    now = None if record is None or wanted in ("trashed", "gone") else record.walked
    letter = "L" if spec.walk != "time" else "S" if record and record.shown else "D"
    for item in spec.fields:
        key = item.path.partition(".")[0]
        current = _ABSENT if now is None else told(now, item)
        if current is None and letter not in item.shapes:
            current = _ABSENT
        once = [told(answer, item) for answer in answers]
        free = current is _ABSENT or (spec.name, one, key) in served.silent
        # search writes custom fields as text, a detail as they are (desk-tickets.md 2)
        typed = item.column == "cf" and spec.system == "desk"
        cell = _cell(item, row[item.column])
        if free:
            right = cell is None or any(_same(cell, some) for some in once if some is not _ABSENT)
        else:
            right = _same(cell, current) or (typed and _as_text(cell) == _as_text(current))
        if not right:
            yield (item.column, cell, None if current is _ABSENT else current)
    if spec.walk == "crm" and now is not None:
        have = {k: v for k, v in json.loads(row["cf"] or "{}").items() if v is not None}
        silent = {key for name, own, key in served.silent if (name, own) == (spec.name, one)}
        wrong = {k for k in {*have, *custom_of(spec, now)} if not _same(have.get(k), now.get(k))}
        if wrong - silent:
            yield ("cf", have, custom_of(spec, now))
    yield from _extra(spec, row, now, answers)


def _as_text(cf: Any) -> Any:
    return {k: None if v is None else str(v) for k, v in cf.items()} if cf else cf


def _cell(item: Field, cell: Any) -> Any:
    return json.loads(cell) if item.type == "json" and cell is not None else cell


def _extra(
    spec: StreamSpec, row: Json, now: Json | None, answers: list[Json]
) -> Iterator[tuple[Any, ...]]:
    have = json.loads(row["extra"] or "{}")
    wanted = unmodelled(spec, now) if now is not None else {}
    # Law 2 without custom fields: the CRM is asked for the modelled ones and those alone.
    if spec.walk == "crm":
        wanted = {}
    for key in wanted:
        if key not in have or not _same(have[key], wanted[key]):
            yield (f"extra.{key}", have.get(key), wanted[key])
    for key in have.keys() - wanted.keys():
        if not any(_same(have[key], answer.get(key, _ABSENT)) for answer in answers):
            yield (f"extra.{key}", have[key], "never served")
