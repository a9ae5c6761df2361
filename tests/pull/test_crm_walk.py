"""The CRM's streams: all fields, users, modules that are missing, records that Desk names."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tests.pull.crm_world import CRM, crm_calls, outcomes, pull, quiet
from tests.pull.world import world
from zdsync.errors import Refused, TokenRefused, Vanishing
from zdsync.sandbox import Variant
from zdsync.sql import Sql

PEOPLE = ("desk.contacts", "desk.accounts")


def test_every_field_that_the_portal_declares_is_read(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        one = next(iter(place.box.state.crm_accounts))
        long = {f"Custom_field_with_a_long_name_{n:03}": f"value {n}" for n in range(120)}
        place.box.crm_edit("Accounts", one, **long, Annual_Revenue=7)
        quiet(place)
        query = "SELECT cf, extra FROM crm.accounts WHERE id = ?"
        ((cf, extra),) = place.rows(query, one)
        held = orjson.loads(cf)
        assert long.items() <= held.items()
        assert orjson.loads(extra)["Annual_Revenue"] == 7  # declared, and no column of ours


def test_what_came_late_to_a_list_is_read_within_the_hour(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_contacts))
        place.clock.sleep(1900)
        place.box.crm_edit("Contacts", one, Phone="+49 1")
        place.box.state.crm_contacts[one].modified -= 10_800_000  # or so long unseen
        phone = "SELECT phone FROM crm.contacts WHERE id = ?"
        quiet(place)
        assert place.rows(phone, one) != [("+49 1",)]
        place.clock.sleep(1900)
        quiet(place)
        assert place.rows(phone, one) == [("+49 1",)]


def test_users_who_were_deleted_keep_their_row_with_a_tombstone(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        one, other = list(place.box.state.crm_users)[:2]
        place.box.crm_user(one, status="Deleted")
        quiet(place)
        query = "SELECT email IS NOT NULL, presence, deleted_at FROM crm.users WHERE id = ?"
        ((_, presence, at),) = place.rows(query, one)
        assert presence == "gone"
        assert place.rows(query, other)[0][1] == "live"
        place.box.crm_user(other, status="deleted")
        for _ in range(2):
            place.clock.sleep(3700)
            quiet(place)
        assert place.rows(query, one) == [(True, "gone", at)]  # buried once
        assert place.rows(query, other)[0][:2] == (True, "gone")
        place.box.crm_user(one, status="active")
        place.clock.sleep(3700)
        quiet(place)
        assert place.rows(query, one)[0][1] == "live"


def test_users_whom_no_list_names_any_more_are_deleted_too(tmp_path: Path) -> None:
    variant = Variant(crm_all_users=False)
    with world(tmp_path, tickets=60, variant=variant) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_users))
        place.box.crm_user(one, status="deleted")
        place.clock.sleep(3700)
        quiet(place)
        query = "SELECT email IS NOT NULL, presence FROM crm.users WHERE id = ?"
        assert place.rows(query, one) == [(True, "gone")]


def test_a_list_of_users_that_is_suddenly_short_buries_nobody_and_stops_nothing(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        for one in list(place.box.state.crm_users)[1:]:
            place.box.crm_user(one, status="deleted")
        place.clock.sleep(3700)
        errors = pull(place)
        assert isinstance(errors.pop("crm.users"), Vanishing)
        assert set(errors.values()) == {None}
        assert place.rows("SELECT count(*) FROM crm.users WHERE presence <> 'live'") == [(0,)]


def test_a_crm_without_leads_is_read_and_says_so(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60, variant=Variant(crm_no_modules="Leads")) as place:
        found = {one.stream: one for one in outcomes(place)}
        assert all(one.error is None for one in found.values())
        assert "no module Leads" in found["crm.leads"].note
        assert place.rows("SELECT complete FROM zdsync.cursors WHERE stream = 'crm.leads'") == [
            (True,)
        ]
        assert place.rows("SELECT count(*) FROM crm.contacts")[0][0] > 5


def test_leads_that_disappear_are_an_error_of_their_stream_alone(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        before = place.rows("SELECT count(*) FROM crm.leads WHERE presence = 'live'")
        object.__setattr__(place.box.variant, "crm_no_modules", "Leads")
        errors = pull(place)
        assert [name for name, error in errors.items() if error] == ["crm.leads"]
        assert place.rows("SELECT count(*) FROM crm.leads WHERE presence = 'live'") == before


def test_a_renamed_module_names_its_setting(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60, variant=Variant(crm_no_modules="Contacts")) as place:
        errors = pull(place)
        assert [name for name, error in errors.items() if error] == ["crm.contacts"]
        error = errors["crm.contacts"]
        assert error and "ZDSYNC_CRM_CONTACTS" in error.hint


@pytest.mark.parametrize("status", [401, 403])
def test_one_scope_that_is_missing_leaves_the_other_modules_alone(
    tmp_path: Path, status: int
) -> None:
    scopes = Variant().scopes.replace(",ZohoCRM.modules.accounts.READ", "")
    variant = Variant(scopes=scopes, crm_scope_status=status)
    with world(tmp_path, tickets=60, variant=variant) as place:
        errors = pull(place)
        assert [name for name, error in errors.items() if error] == ["crm.accounts"]
        assert isinstance(errors["crm.accounts"], TokenRefused)
        assert "ZohoCRM.modules.accounts.READ" in errors["crm.accounts"].hint


def test_a_crm_without_rights_leaves_desk_alone(tmp_path: Path) -> None:
    variant = Variant(crm_forbidden="Contacts,Accounts,Leads")
    with world(tmp_path, tickets=60, variant=variant) as place:
        errors = pull(place, *CRM, *PEOPLE)
        failed = {name for name, error in errors.items() if error}
        assert failed == {"crm.contacts", "crm.accounts", "crm.leads"}
        assert all(isinstance(errors[name], Refused) for name in failed)
        assert place.rows("SELECT count(*) FROM desk.contacts")[0][0] > 5


def test_what_desk_names_and_no_list_shows_is_asked_for_once(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        state = place.box.state
        contact, other = list(state.contacts)[:2]
        lead = next(iter(state.crm_leads))
        quiet(place, *CRM)
        place.box.crm_share("Leads", lead, shared=False)
        with place.app().place.work("test") as mirror:
            mirror.run(Sql("DELETE FROM crm.leads WHERE id = ?", (lead,)))
        place.box.crm_share("Leads", lead, shared=True)
        place.box.edit_contact(contact, crm_id=lead, crm_type="contacts_leads")
        place.box.edit_contact(other, crm_id="5551000000999999999", crm_type="contacts")
        quiet(place, *PEOPLE)
        assert place.rows("SELECT presence FROM crm.leads WHERE id = ?", lead) == [("live",)]
        asked = "SELECT crm_id, module, found FROM zdsync.crm_links ORDER BY found"
        assert place.rows(asked) == [
            ("5551000000999999999", "Leads", False),
            (lead, "Leads", True),
        ]
        before = crm_calls(place)
        place.clock.sleep(300)
        quiet(place, *PEOPLE)
        assert crm_calls(place) == before


def test_a_link_to_a_converted_lead_still_finds_it(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        lead = next(iter(place.box.state.crm_leads))
        place.box.crm_convert(lead)
        quiet(place, *CRM, *PEOPLE)
        assert place.rows("SELECT presence FROM crm.leads WHERE id = ?", lead) == [("live",)]
        kind = "SELECT DISTINCT crm_kind FROM main.contacts WHERE crm_id = ?"
        assert place.rows(kind, lead) == [("lead",)]
