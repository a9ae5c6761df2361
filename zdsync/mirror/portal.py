"""The names that the portal knows, read from the mirror: what rules are checked against."""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from zdsync.mirror.database import Database
from zdsync.model import Agent, CrmUser, CustomField, Named, Portal
from zdsync.sql import Sql

# Zoho's own words; a portal's list in the fields' metadata replaces them.
_URGENCY = ("low", "medium", "high", "urgent", "critical")
_CLASSES = {"OPEN": "Open", "ONHOLD": "On Hold", "CLOSED": "Closed"}


def read(database: Database, chosen: Mapping[str, str]) -> Portal:
    """Read the Portal; `known` is False before agents, departments and fields were pulled.

    `chosen`: the options outcome_field, sla_tier_field and crm (on, off).
    """
    options = _options(database)
    tickets = options.get("tickets", {})
    return Portal(
        known=_known(database),
        agents=tuple(_agents(database)),
        departments=tuple(_departments(database)),
        teams=tuple(_teams(database)),
        statuses=_statuses(database, tickets.get("status", ())),
        priorities=_priorities(database, tickets.get("priority", ())),
        channels=_channels(database, tickets.get("channel", ())),
        ticket_fields=tuple(_fields(database, _DESK_FIELDS, "tickets")),
        contact_fields=tuple(_fields(database, _DESK_FIELDS, "contacts")),
        account_fields=tuple(_fields(database, _DESK_FIELDS, "accounts")),
        crm_contact_fields=tuple(_fields(database, _CRM_FIELDS, "contacts")),
        crm_account_fields=tuple(_fields(database, _CRM_FIELDS, "accounts")),
        crm_users=tuple(CrmUser(*row) for row in database.rows(Sql(_CRM_USERS))),
        crm=chosen["crm"] != "off",
        hidden=frozenset(f"{module}.{name}" for module, name in database.rows(Sql(_HIDDEN))),
        sla_tier_field=chosen["sla_tier_field"],
        outcome_field=chosen["outcome_field"],
    )


_HIDDEN = "select module, api_name from zdsync.hidden_fields"
_CRM_USERS = "select id, email, zuid from crm.users where deleted_at is null order by id"


def _known(database: Database) -> bool:
    return bool(
        database.count(
            Sql(
                "select count(*) = 3 from zdsync.cursors where complete "
                "and stream in ('desk.agents', 'desk.departments', 'desk.fields')"
            )
        )
    )


def _agents(database: Database) -> Iterable[Agent]:
    rows = database.rows(
        Sql(
            "select id, email_id, coalesce(nullif(trim(name), ''), "
            "trim(concat_ws(' ', first_name, last_name))), zuid, "
            "coalesce(upper(status) = 'ACTIVE', false), "
            "coalesce(associated_department_ids, []) "
            "from desk.agents where presence = 'live' order by id"
        )
    )
    for id, email, name, zuid, active, departments in rows:
        yield Agent(id, email, name, zuid, active, frozenset(departments))


def _departments(database: Database) -> Iterable[Named]:
    rows = database.rows(
        Sql(
            "select id, name, coalesce(is_enabled, true) from desk.departments "
            "where presence = 'live' order by name, id"
        )
    )
    for id, name, enabled in rows:
        yield Named(id, name or "", None, enabled)


def _teams(database: Database) -> Iterable[Named]:
    rows = database.rows(
        Sql(
            "select id, name, department_id from desk.teams where presence = 'live' "
            "order by name, id"
        )
    )
    for id, name, department in rows:
        yield Named(id, name or "", department)


def _options(database: Database) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Options of Desk's standard fields: module → API name → options as Zoho wrote them."""
    rows = database.rows(
        Sql(
            "select module, api_name, pick_list_values from desk.fields "
            "where deleted_at is null and pick_list_values is not null"
        )
    )
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for module, name, options in rows:
        found.setdefault(module or "", {})[name] = _listed(options)
    return found


def _listed(options: str | None) -> list[dict[str, Any]]:
    """Options as objects; a portal may answer bare texts."""
    items = orjson.loads(options) if options else None
    if not isinstance(items, list):
        return []
    return [item if isinstance(item, dict) else {"value": item} for item in items]


def _values(options: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    names = (_name(option) for option in options)
    return tuple(dict.fromkeys(name for name in names if name and name not in ("-None-", "")))


def _name(option: Mapping[str, Any]) -> str:
    """Desk writes `value`; CRM writes `actual_value` (kept in records) and `display_value`."""
    for key in ("value", "actual_value", "display_value"):
        if option.get(key) is not None:
            return str(option[key])
    return ""


def _statuses(database: Database, options: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Status name → class (desk-people.md, Status options); else as seen on tickets."""
    found = {
        name: _class(option.get("statusType"))
        for option in options
        if (name := _name(option)) and option.get("statusType")
    }
    if found:
        return found
    rows = database.rows(
        Sql(
            "select status, any_value(status_type) from desk.tickets "
            "where status is not null and status_type is not null group by 1 order by 1"
        )
    )
    return {name: _class(kind) for name, kind in rows}


def _class(kind: Any) -> str:
    """The class as tickets spell it; counts and filters spell it otherwise (desk-tickets.md)."""
    text = str(kind)
    return _CLASSES.get(text.upper().replace(" ", "").replace("_", ""), text)


def _priorities(database: Database, options: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """Least to most urgent. Portals list them most urgent first; known words decide."""
    names = _values(options) or tuple(_distinct(database, "priority"))
    listed = tuple(reversed(names))
    if all(name.casefold() in _URGENCY for name in names):
        return tuple(sorted(names, key=lambda name: _URGENCY.index(name.casefold())))
    return listed if _descending(names) else names


def _descending(names: tuple[str, ...]) -> bool:
    """Whether the known words among the names fall in urgency."""
    ranks = [_URGENCY.index(name.casefold()) for name in names if name.casefold() in _URGENCY]
    return len(ranks) > 1 and ranks == sorted(ranks, reverse=True)


def _channels(database: Database, options: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*_values(options), *_distinct(database, "channel")]))


def _distinct(database: Database, column: str) -> list[str]:
    sql = f"select distinct {column} from desk.tickets where {column} is not null order by 1"
    return [row[0] for row in database.rows(Sql(sql))]


def _fields(database: Database, query: str, module: str) -> Iterable[CustomField]:
    for name, kind, options in database.rows(Sql(query, (module,))):
        yield CustomField(name, kind, _values(_listed(options)))


_DESK_FIELDS = (
    "select api_name, coalesce(type, 'Text'), pick_list_values from desk.fields "
    "where deleted_at is null and is_custom_field and lower(module) = ? order by api_name"
)
# The role of a CRM module decides: a portal may have renamed the module.
_CRM_FIELDS = (
    "select api_name, coalesce(data_type, 'text'), pick_list_values from crm.fields "
    "where deleted_at is null and custom_field and lower(module) = ? order by api_name"
)
