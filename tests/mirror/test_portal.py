"""The Portal from the mirror, under both spellings of Zoho's metadata."""

from __future__ import annotations

from typing import Any

from tests.mirror.records import at, batch, ticket
from zdsync.mirror import Mirror
from zdsync.model import Agent, Cursor, CustomField, Named, Shape


def _field(id: str, name: str, options: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"id": id, "module": "tickets", "api_name": name, "pick_list_values": options, **more}


def _fields(mirror: Mirror, *rows: dict[str, Any], stream: str = "desk.fields") -> None:
    mirror.upsert(batch(*rows, shape=Shape.LIST, stream=stream))


def test_portal_is_unknown_until_agents_departments_and_fields_were_read(mirror: Mirror) -> None:
    assert not mirror.portal().known
    for stream in ("desk.agents", "desk.departments", "desk.fields"):
        mirror.save_cursor(Cursor(stream, complete=True))
    assert mirror.portal().known


def test_statuses_map_names_to_classes_as_tickets_spell_them(mirror: Mirror) -> None:
    options = [
        {"value": "Open", "statusType": "Open"},
        {"value": "Waiting", "statusType": "ONHOLD"},
        {"value": "Erledigt", "statusType": "CLOSED"},
    ]
    _fields(mirror, _field("1", "status", options))
    assert mirror.portal().statuses == {"Open": "Open", "Waiting": "On Hold", "Erledigt": "Closed"}


def test_statuses_come_from_tickets_where_the_fields_are_hidden(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(status="New", status_type="Open")))
    assert mirror.portal().statuses == {"New": "Open"}


def test_priorities_rise_in_urgency(mirror: Mirror) -> None:
    options = [{"value": name} for name in ("-None-", "High", "Medium", "Low")]
    _fields(mirror, _field("1", "priority", options))
    assert mirror.portal().priorities == ("Low", "Medium", "High")
    named = [{"value": name} for name in ("Blocker", "High", "Low", "Whenever")]
    _fields(mirror, _field("1", "priority", named), stream="desk.fields")
    mirror.upsert(
        batch(_field("1", "priority", named), shape=Shape.LIST, read=20, stream="desk.fields")
    )
    assert mirror.portal().priorities == ("Whenever", "Low", "High", "Blocker")


def test_agents_departments_teams_are_those_that_still_exist(mirror: Mirror) -> None:
    agents = [
        {"id": "1", "email_id": "a@x.example", "name": "A", "zuid": "9", "status": "ACTIVE",
         "associated_department_ids": ["d1"]},
        {"id": "2", "first_name": "B", "last_name": "C", "status": "DISABLED"},
        {"id": "3", "name": "Gone", "status": "ACTIVE"},
    ]  # fmt: skip
    _fields(mirror, *agents, stream="desk.agents")
    mirror.bury("desk.agents", ["3"], at(20))
    _fields(mirror, {"id": "d1", "name": "IT", "is_enabled": False}, stream="desk.departments")
    _fields(mirror, {"id": "t1", "name": "Front", "department_id": "d1"}, stream="desk.teams")
    portal = mirror.portal()
    assert portal.agents == (
        Agent("1", "a@x.example", "A", "9", True, frozenset({"d1"})),
        Agent("2", None, "B C", None, False, frozenset()),
    )
    assert portal.departments == (Named("d1", "IT", None, False),)
    assert portal.teams == (Named("t1", "Front", "d1"),)


def test_custom_fields_by_module(mirror: Mirror) -> None:
    own = _field("1", "cf_outcome", [{"value": "Spam"}], is_custom_field=True, type="Picklist")
    _fields(mirror, own, _field("2", "subject", is_custom_field=False))
    crm = {"id": "3", "module": "Accounts", "api_name": "SLA_Tier", "custom_field": True,
           "data_type": "picklist", "pick_list_values": [{"actual_value": "Gold"}]}  # fmt: skip
    _fields(mirror, crm, stream="crm.fields")
    portal = mirror.portal()
    assert portal.ticket_fields == (CustomField("cf_outcome", "Picklist", ("Spam",)),)
    assert portal.crm_account_fields == (CustomField("SLA_Tier", "picklist", ("Gold",)),)
