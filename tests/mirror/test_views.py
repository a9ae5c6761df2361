"""The views: comments everywhere, one row a ticket, owner and tier by their links."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.mirror.records import at, batch, ticket
from zdsync.mirror import Mirror
from zdsync.model import Cursor, Shape
from zdsync.sql import Sql

_OLD = "2026-01-01 00:00:00"


def _put(mirror: Mirror, stream: str, *rows: dict[str, Any]) -> None:
    timed = [{"modified_time": _OLD, **row} for row in rows]
    plain = stream in ("desk.agents", "desk.departments", "desk.teams")
    mirror.upsert(batch(*(rows if plain else timed), shape=Shape.LIST, stream=stream))


@pytest.fixture
def portal(mirror: Mirror) -> Mirror:
    _put(
        mirror,
        "desk.agents",
        {
            "id": "a1",
            "email_id": "Ana@clinic.example",
            "name": "Ana",
            "status": "ACTIVE",
            "zuid": "z1",
        },
        {"id": "a2", "email_id": "ANA@clinic.example", "first_name": "A", "last_name": "Two"},
    )
    _put(mirror, "desk.departments", {"id": "d1", "name": "Support"})
    _put(mirror, "desk.teams", {"id": "t1", "name": "Front Desk"})
    _put(mirror, "crm.users", {"id": "u1", "email": "ana@clinic.example", "zuid": "z1"})
    _put(
        mirror,
        "crm.accounts",
        {"id": "ca1", "account_name": "Acme", "cf": {"SLA_Tier": "Gold"}, "owner_id": "u1"},
        {"id": "ca2", "account_name": "Beta", "extra": {"SLA_Tier": "Silver"}},
    )
    _put(
        mirror,
        "crm.contacts",
        {"id": "cc1", "owner_id": "u1", "owner_email": "other@x.example", "account_id": "ca2"},
        {"id": "cc2", "owner_id": "u9", "owner_email": "away@x.example", "email": "B@y.example"},
    )
    _put(mirror, "crm.leads", {"id": "cl1", "owner_id": "u1", "email": "lead@y.example"})
    _put(
        mirror, "desk.accounts", {"id": "da1", "account_name": "Acme", "zoho_crm_account_id": "ca1"}
    )
    _put(
        mirror,
        "desk.contacts",
        {"id": "c1", "first_name": "Eva", "zoho_crm_contact_id": "cc1", "cf": {"cf_a": "x"}},
        {"id": "c2", "email": "b@Y.example ", "zoho_crm_contact_id": None, "account_id": "da1"},
        {"id": "c3", "email": "lead@y.example", "zoho_crm_contact_id": "cl1"},
        {"id": "c4", "email": "ana@CLINIC.example"},
    )
    return mirror


def _ground(mirror: Mirror, columns: str, id: str = "1") -> Any:
    sql = f"select {columns} from zdsync.rule_tickets where ticket_id = ?"
    return mirror.rows(Sql(sql, (id,)))[0]


def test_every_view_and_column_has_a_comment(mirror: Mirror) -> None:
    missing = mirror.rows(
        Sql(
            "select schema_name, view_name from duckdb_views() where not internal "
            "and comment is null union all "
            "select schema_name, table_name from duckdb_tables() where not internal "
            "and comment is null and not temporary union all "
            "select table_name, column_name from duckdb_columns() where not internal "
            "and coalesce(comment, '') = '' "
            "and schema_name in ('main', 'desk', 'crm', 'zdsync') and database_name <> 'temp'"
        )
    )
    assert missing == []


def test_promised_views_have_their_promised_columns(mirror: Mirror) -> None:
    promised = (
        "number subject status status_type priority channel department agent team contact "
        "contact_email account sla_tier owner tags created modified closed due customer_replied "
        "age_hours is_open is_overdue outcome"
    )
    columns, _ = mirror.columns_and_rows(Sql("from tickets"))
    assert set(promised.split()) <= set(columns)
    for view in ("contacts", "accounts", "agents"):
        assert mirror.columns_and_rows(Sql(f"from {view}"))[0]


def test_ground_of_the_rules_has_one_row_a_ticket(portal: Mirror) -> None:
    people = ["c1", "c2", "c3", "c4", "unknown", None]
    rows = [ticket(str(n), contact_id=c, email="ana@clinic.example") for n, c in enumerate(people)]
    portal.upsert(batch(*rows))
    portal.set_tags({"0": ["a", "b"]}, at(20))
    counted = Sql("select count(*), count(distinct ticket_id) from zdsync.rule_tickets")
    assert portal.rows(counted) == [(6, 6)]


@pytest.mark.parametrize(
    ("contact", "owner", "in_crm"),
    [
        ("c1", "ana@clinic.example", True),  # the user's address, not the record's copy of it
        ("c2", None, True),  # no link, but the CRM knows the address
        ("c3", "ana@clinic.example", True),  # a lead
        ("c4", None, False),
        ("unknown", None, False),
    ],
)
def test_owner_follows_the_link_to_contact_or_lead(
    portal: Mirror, contact: str, owner: str | None, in_crm: bool
) -> None:
    portal.upsert(batch(ticket(contact_id=contact)))
    assert _ground(portal, "contact_owner, contact_in_crm") == (owner, in_crm)


def test_owner_without_a_known_user_keeps_the_address_of_the_record(portal: Mirror) -> None:
    _put(portal, "desk.contacts", {"id": "c9", "zoho_crm_contact_id": "cc2"})
    portal.upsert(batch(ticket(contact_id="c9")))
    assert _ground(portal, "contact_owner") == ("away@x.example",)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"account_id": "da1"}, ("Acme", "Gold")),
        ({"contact_id": "c2"}, ("Acme", "Gold")),  # the contact's account
        ({"contact_id": "c1"}, (None, "Silver")),  # the CRM contact's account
        ({}, (None, None)),
    ],
)
def test_tier_comes_from_the_account_else_from_the_contact(
    portal: Mirror, columns: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    portal.upsert(batch(ticket(**columns)))
    assert _ground(portal, "account_name, account_sla_tier") == expected


def test_requester_is_agent_by_contact_or_ticket_address(portal: Mirror) -> None:
    rows = [
        ticket("1", contact_id="c4"),
        ticket("2", email="ANA@clinic.example"),
        ticket("3", contact_id="c1", email="someone@else.example"),
    ]
    portal.upsert(batch(*rows))
    found = [_ground(portal, "requester_is_agent", id)[0] for id in "123"]
    assert found == [True, True, False]


def test_age_and_overdue_are_relative_to_as_of_not_to_now(portal: Mirror) -> None:
    created = {"created_time": "2026-03-01 12:00:00", "due_date": "2026-03-02 12:30:00"}
    opened = ticket("1", status_type="Open", **created)
    closed = ticket("2", status_type="Closed", closed_time="2026-03-01 13:30:00", **created)
    portal.upsert(batch(opened, closed))
    sql = Sql("select age_hours, is_open, is_overdue from tickets order by id")
    portal.save_cursor(Cursor("desk.tickets", last_pull_at=at(0)))
    assert portal.rows(sql) == [(24.0, True, False), (1.5, False, False)]
    portal.save_cursor(Cursor("desk.tickets", last_pull_at=at(60)))
    assert portal.rows(sql)[0] == (25.0, True, True)


def test_views_for_people_name_people(portal: Mirror) -> None:
    row = ticket(
        number="x", assignee_id="a1", department_id="d1", team_id="t1", contact_id="c1",
        status_type="Open", ticket_number="7", cf={"cf_outcome": "Spam"},
    )  # fmt: skip
    del row["number"]
    portal.upsert(batch(row))
    sql = "select number, agent, department, team, contact, owner, outcome from tickets"
    expected = ("7", "Ana", "Support", "Front Desk", "Eva", "ana@clinic.example", "Spam")
    assert portal.rows(Sql(sql)) == [expected]
    agents = Sql("select name, is_active, is_crm_user, open_tickets from agents order by id")
    assert portal.rows(agents) == [("Ana", True, True, 1), ("A Two", False, False, 0)]
    accounts = Sql("select name, sla_tier, owner from accounts")
    assert portal.rows(accounts) == [("Acme", "Gold", "ana@clinic.example")]
    contacts = Sql("select name, owner, crm_kind, open_tickets from contacts where id = 'c1'")
    assert portal.rows(contacts) == [("Eva", "ana@clinic.example", "contact", 1)]


def test_deleted_tickets_leave_the_view_for_people(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket("1"), ticket("2"), ticket("3", is_spam=True)))
    mirror.bury("desk.tickets", ["1"], at(20))
    assert mirror.rows(Sql("select id, presence from tickets order by 1")) == [
        ("2", "live"),
        ("3", "spam"),
    ]
    gone = _ground(mirror, "presence, ticket_id")
    assert gone == ("gone", "1")


def test_instants_come_back_naive_in_utc(mirror: Mirror) -> None:
    mirror.upsert(batch(ticket(created_time="2026-07-01 12:00:00")))
    created = mirror.rows(Sql("select created from tickets"))[0][0]
    assert created == datetime.fromisoformat("2026-07-01 12:00")


def test_the_class_of_a_hidden_status_type_comes_from_the_portals_fields(mirror: Mirror) -> None:
    choices = [
        {"value": "Fermé", "statusType": "Closed"},
        {"value": "Closed", "statusType": "Open"},
        {"value": "En attente", "statusType": "ONHOLD"},
    ]
    field = {"id": "f", "module": "tickets", "api_name": "status", "pick_list_values": choices}
    mirror.upsert(batch(field, shape=Shape.LIST, stream="desk.fields"))
    for number, status in enumerate(("Fermé", "Closed", "En attente", "Unheard of"), 1):
        row = {**ticket(str(number), status=status, assignee_id="a1", contact_id="c1")}
        row.pop("status_type", None)
        mirror.upsert(batch(row))
    found = mirror.rows(Sql("SELECT status, status_type, is_open FROM main.tickets ORDER BY id"))
    assert found == [
        ("Fermé", "Closed", False),
        ("Closed", "Open", True),
        ("En attente", "On Hold", True),
        ("Unheard of", None, True),
    ]
    assert mirror.rows(Sql("SELECT count(*) FROM zdsync.open_tickets")) == [(3,)]
