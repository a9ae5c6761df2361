"""The portal's fields drift: nothing is lost, it is said once, and by whom the field is read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pull.world import World, world
from zdsync.cli.status import status_text
from zdsync.doctor import examine
from zdsync.errors import Misconfigured
from zdsync.pull.drift import Drift, Known, compare
from zdsync.sandbox.records import Ticket

RULES = """version: 1
rules:
  - id: by-cid
    why: Reads a custom field.
    mode: plan
    when: {cf.cf_cid: {known: true}}
    then: [{set: {priority: High}}]
  - id: by-subject
    why: Reads none.
    mode: plan
    when: {subject: {contains: help}}
    then: [{set: {priority: High}}]
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[World]:
    with world(tmp_path, tickets=60) as made:
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES, encoding="utf-8")
        settings = made.settings.model_copy(update={"rules": rules})
        place = World(made.box, settings, made.clock)
        place.pull()
        yield place


def _later(place: World) -> None:
    """An hour on: metadata is read anew by the service too."""
    place.clock.sleep(3_700)
    place.pull()


def _drift(place: World) -> list[tuple[Any, ...]]:
    return place.rows(
        "SELECT stream, module, field, kind, before, after, read_by FROM zdsync.drift "
        "ORDER BY seen_at, field"
    )


def _with_cid(place: World) -> Ticket:
    return next(
        one
        for one in place.box.state.tickets.values()
        if (one.cf or {}).get("cf_cid") and not (one.spam or one.archived or one.trashed)
    )


def _cf(place: World, ticket: str) -> dict[str, Any]:
    ((text,),) = place.rows("SELECT cf FROM desk.tickets WHERE id = ?", ticket)
    found: dict[str, Any] = json.loads(text)
    return found


def test_the_values_of_a_vanished_field_stay_when_rows_are_read_again(
    place: World, caplog: pytest.LogCaptureFixture
) -> None:
    ticket = _with_cid(place)
    held = (ticket.cf or {})["cf_cid"]
    place.box.drop_field("cf_cid")
    # Read again before the metadata tells, and after.
    place.box.edit(ticket.id, subject="moved before it was known")
    place.app().pull(["desk.tickets"])
    _later(place)
    assert _cf(place, ticket.id)["cf_cid"] == held
    place.box.edit(ticket.id, subject="moved after")
    place.pull()
    assert _cf(place, ticket.id)["cf_cid"] == held
    place.app().pull(full=True)
    assert _cf(place, ticket.id)["cf_cid"] == held
    row = ("desk.fields", "tickets", "cf_cid", "vanished", "CID", None, ["rule by-cid"])
    assert _drift(place) == [row]
    said = [one.getMessage() for one in caplog.records if "drift=vanished" in one.getMessage()]
    assert len(said) == 1
    assert "rule by-cid" in said[0]


def test_a_renamed_field_is_told_with_its_new_name_everywhere(place: World) -> None:
    ticket = _with_cid(place)
    held = (ticket.cf or {})["cf_cid"]
    place.box.rename_field("cf_cid", "cf_client", "Client")
    _later(place)
    place.box.edit(ticket.id, subject="moved")
    place.pull()
    assert _cf(place, ticket.id)["cf_cid"] == held, "its values stay"
    assert _cf(place, ticket.id)["cf_client"] == held
    row = ("desk.fields", "tickets", "cf_cid", "renamed", "cf_cid", "cf_client", ["rule by-cid"])
    assert _drift(place) == [row]
    with pytest.raises(Misconfigured) as caught:
        place.app().check(None).refuse()
    assert "`cf.cf_cid` is no field of the portal any more" in caught.value.problems[0].what
    assert "`cf.cf_client`" in caught.value.problems[0].hint
    status = place.app().status()
    told = status.document()["drift"]
    assert [(one["field"], one["kind"], one["after"]) for one in told] == [
        ("cf_cid", "renamed", "cf_client")
    ]
    assert "cf_cid is called cf_client now" in status_text(status, None, colour=False)
    findings = [one for one in examine(place.settings, place.clock) if one.what == "fields"]
    assert [one.code for one in findings] == [2]
    assert "cf_client" in findings[0].mend


def test_a_field_that_comes_back_is_no_longer_gone(place: World) -> None:
    ticket = _with_cid(place)
    place.box.drop_field("cf_cid")
    _later(place)
    place.box.edit(ticket.id, subject="moved")
    place.pull()
    place.box.bring_back_field("cf_cid")
    place.box.edit(ticket.id, cf={"cf_cid": None})
    _later(place)
    assert _cf(place, ticket.id)["cf_cid"] is None, "emptied: that follows Zoho"
    kinds = place.rows("SELECT kind, ended_at IS NOT NULL FROM zdsync.drift ORDER BY seen_at")
    assert kinds == [("vanished", True), ("appeared", False)]
    place.app().check(None).refuse()


def test_a_field_hidden_by_the_profile_is_not_vanished(place: World) -> None:
    place.box.hide_field("cf_cid")
    ticket = _with_cid(place)
    place.box.edit(ticket.id, subject="moved")
    _later(place)
    assert _drift(place) == []
    assert "cf_cid" not in _cf(place, ticket.id)


def test_a_type_that_changes_is_told_and_no_value_is_lost(place: World) -> None:
    place.box.retype_field("cf_cid", "Number")
    ticket = _with_cid(place)
    place.box.edit(ticket.id, subject="moved")
    _later(place)
    assert _drift(place)[0][2:6] == ("cf_cid", "type_changed", "Text", "Number")
    assert _cf(place, ticket.id)["cf_cid"] == (ticket.cf or {})["cf_cid"]


def test_a_module_that_lists_nothing_is_a_lost_right(place: World) -> None:
    before = place.rows("SELECT count(*) FROM desk.fields WHERE deleted_at IS NULL")
    place.box.silence_fields("contacts")
    _later(place)
    assert _drift(place) == []
    assert place.rows("SELECT count(*) FROM desk.fields WHERE deleted_at IS NULL") == before


def test_the_values_of_a_vanished_field_of_the_crm_stay(place: World) -> None:
    state = place.box.state
    record = next(one for one in state.crm_accounts.values() if one.values.get("SLA_Tier"))
    place.box.drop_crm_field("Accounts", "SLA_Tier")
    place.box.crm_edit("Accounts", record.id, Website="https://moved.example")
    _later(place)
    place.app().pull(["crm.accounts"], full=True)
    ((cf, site),) = place.rows("SELECT cf, website FROM crm.accounts WHERE id = ?", record.id)
    assert json.loads(cf)["SLA_Tier"] == record.values["SLA_Tier"]
    assert site == "https://moved.example"
    assert [row[1:4] for row in _drift(place)] == [("Accounts", "SLA_Tier", "vanished")]


def test_a_new_field_is_told_and_its_values_land_in_cf(place: World) -> None:
    record = next(iter(place.box.state.crm_accounts.values()))
    place.box.crm_edit("Accounts", record.id, Clinic_Size="large")
    _later(place)
    ((cf, extra),) = place.rows("SELECT cf, extra FROM crm.accounts WHERE id = ?", record.id)
    assert json.loads(cf)["Clinic_Size"] == "large"
    assert "Clinic_Size" not in (extra or "")
    assert [row[1:4] for row in _drift(place)] == [("Accounts", "Clinic_Size", "appeared")]


def test_the_first_pull_tells_of_no_drift(place: World) -> None:
    assert _drift(place) == []


ONE = Known("Client", "Text", "7", "tickets.a")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": ONE}, {}, [("a", "vanished", "Client", None)]),
        ({}, {"a": ONE}, [("a", "appeared", None, "Client")]),
        ({"a": ONE}, {"b": ONE}, [("a", "renamed", "a", "b")]),
        (
            {"a": ONE},
            {"a": Known("Customer", "Text", "7", "")},
            [("a", "renamed", "Client", "Customer")],
        ),
        (
            {"a": ONE},
            {"a": Known("Client", "Date", "7", "")},
            [("a", "type_changed", "Text", "Date")],
        ),
        # Zoho's ids are not told: label and type stand in, where only one fits.
        (
            {"a": Known("Client", "Text", None, "")},
            {"b": Known("Client", "Text", None, "")},
            [("a", "renamed", "a", "b")],
        ),
        # The same label is no rename where Zoho's ids say that it is another field.
        (
            {"a": ONE},
            {"b": Known("Client", "Text", "8", "")},
            [("a", "vanished", "Client", None), ("b", "appeared", None, "Client")],
        ),
        # A label that nobody told is no change.
        ({"a": ONE}, {"a": Known("", "", None, "")}, []),
    ],
)
def test_what_happened_between_two_readings(
    before: dict[str, Known], after: dict[str, Known], found: list[tuple[Any, ...]]
) -> None:
    def keyed(fields: dict[str, Known]) -> dict[tuple[str, str], Known]:
        return {("tickets", name): one for name, one in fields.items()}

    assert compare(keyed(before), keyed(after)) == [Drift("tickets", *one) for one in found]
