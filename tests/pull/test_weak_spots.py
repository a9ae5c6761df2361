"""Where counting and deleting could go wrong: each way once, on a whole zdsync."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.pull import deeds
from tests.pull.office import Office, office
from zdsync.errors import Vanishing
from zdsync.pull import ALLOWANCE, CHECKED, Comparison, Reconciler
from zdsync.sandbox import Variant

TICKETS = "desk.tickets"


def _pull(place: Office, *names: str, accept: bool = False) -> dict[str, Any]:
    outcomes = place.app.pull(names, accept_deletes=accept)
    return {one.stream: one.error for one in outcomes}


def _reconcile(place: Office, stream: str = TICKETS, *, accept: bool = True) -> Comparison:
    place.clock.sleep(2 * 3600)
    (found,) = place.app.reconcile([stream], accept_deletes=accept)
    assert isinstance(found, Comparison)
    return found


def _presences(place: Office, stream: str = TICKETS) -> dict[str, int]:
    query = f"select presence, count(*) from {stream} group by 1"
    return {str(word): int(many) for word, many in place.rows(query)}


def _without_counts(body: dict[str, Any]) -> None:
    body.pop("count", None)


def test_a_search_that_tells_no_counts_is_read_in_full_and_that_is_said(tmp_path: Path) -> None:
    with office(tmp_path, tickets=230) as place:
        place.bodies = _without_counts
        assert not _pull(place, TICKETS)[TICKETS]
        place.box.purge(list(place.box.state.tickets)[100])
        found = _reconcile(place)
        assert found.buried == 1
        assert found.remote == found.held - 1
        assert any("tells no counts" in one for one in found.unproven), found.unproven
        place.served.look(place.box)
        assert not [one for one in place.differences() if one[0] == TICKETS]


@pytest.mark.parametrize(("capped", "tickets"), [(100, 430), (150, 700)])
def test_a_capped_count_proves_nothing_and_the_rest_is_read(
    tmp_path: Path, capped: int, tickets: int
) -> None:
    variant = Variant(count_capped_at=capped, count_as_string=True)
    with office(tmp_path, tickets=tickets, variant=variant) as place:
        assert not _pull(place, TICKETS)[TICKETS]
        place.box.purge(list(place.box.state.tickets)[100])
        found = _reconcile(place)
        assert found.buried == 1
        assert any("counts no further" in one for one in found.unproven), found.unproven


def test_a_bin_longer_than_reconcile_reads_buries_all_the_same(tmp_path: Path) -> None:
    with office(tmp_path, tickets=640) as place:
        assert not _pull(place, TICKETS)[TICKETS]
        everyone = place.box.state.tickets.values()
        ids = [one.id for one in everyone if not (one.spam or one.archived)]
        place.clock.sleep(5)
        for one in ids[:540]:
            place.box.trash(one)
        _reconcile(place)
        assert _presences(place)["trashed"] == 540
        for one in ids[:540]:
            place.box.restore(one)
        found = _reconcile(place)
        assert "trashed" not in _presences(place), found


@pytest.mark.parametrize("shown", [False, True])
def test_archived_tickets_are_found_shown_by_search_or_not(tmp_path: Path, shown: bool) -> None:
    """Archiving moves no modified time; what was archived before the first pull is found too."""
    variant = Variant(archived_in_search=shown, count_capped_at=100)
    with office(tmp_path, tickets=230, variant=variant) as place:
        ids = [one.id for one in place.box.state.tickets.values() if not one.spam]
        for one in ids[:7]:
            place.box.archive(one)
        assert not _pull(place, "desk.departments", TICKETS)[TICKETS]
        _reconcile(place)
        assert _presences(place)["archived"] == 7
        for one in ids[100:103]:
            place.box.archive(one)
        found = _reconcile(place)
        assert _presences(place)["archived"] == 10, found


def test_a_list_of_archived_tickets_that_zoho_cuts_is_said(tmp_path: Path) -> None:
    with office(tmp_path, tickets=230) as place:
        place.app.pull(["desk.departments", TICKETS])
        place.clock.sleep(8 * 86_400)  # the lists are due weekly
        place.box.fail_next(r"GET .*/archivedTickets", status=422, times=99)
        found = _reconcile(place)
        assert not found.error
        assert any("archived tickets" in one for one in found.unproven), found


def test_more_rows_in_one_second_than_a_search_reaches_are_all_mirrored(tmp_path: Path) -> None:
    """An import of 1,250 within one second at depth 999, then a mass update of all of them."""
    with office(tmp_path, tickets=30, variant=Variant(edition="enterprise")) as place:
        deeds.mass_import(place.box, 1250, 1)
        place.clock.sleep(5)
        assert not _pull(place, TICKETS)[TICKETS]
        place.served.look(place.box)
        assert not [one for one in place.differences() if one[0] == TICKETS]
        deeds.mass_update(place.box, 0, 100, 3)
        place.clock.sleep(5)
        assert not _pull(place, TICKETS)[TICKETS]
        place.served.look(place.box)
        assert not [one for one in place.differences() if one[0] == TICKETS]


# -- more than a tenth ----------------------------------------------------------------------------


def _vanish(place: Office, stream: str) -> int:
    """Delete a third of a stream at once; returns how many."""
    box, state = place.box, place.box.state
    match stream:
        case "desk.tickets":
            some = [one.id for one in state.tickets.values() if not one.spam][::3]
            for one in some:
                box.trash(one)
        case "desk.contacts":
            some = list(state.contacts)[::3]
            for one in some:
                box.edit_contact(one, trashed=True)
        case "desk.accounts":
            some = list(state.accounts)[::3]
            for one in some:
                box.edit_account(one, trashed=True)
        case _:
            module = {"crm.contacts": "Contacts", "crm.accounts": "Accounts"}.get(stream, "Leads")
            some = list(state.crm_records(module))[::3]
            for one in some:
                box.crm_delete(module, one)
    return len(some)


@pytest.mark.parametrize(
    "stream",
    CHECKED,
)
def test_promise_4_a_third_of_a_stream_waits_for_a_person(tmp_path: Path, stream: str) -> None:
    with office(tmp_path, tickets=230) as place:
        for n in range(30):  # enough of each that a third is more than ten
            place.box.create_account(f"account {n}")
            place.box.crm_create("Accounts", Account_Name=f"account {n}")
            place.box.crm_create("Leads", Last_Name=f"lead {n}")
        assert not _pull(place, "crm.fields", stream)[stream]
        before = _presences(place, stream)
        place.clock.sleep(3700)
        many = _vanish(place, stream)
        assert many > 10
        place.clock.sleep(3700)
        refused = _pull(place, stream)[stream]
        assert isinstance(refused, Vanishing), refused
        assert f"{stream}: {many} of" in refused.what
        assert isinstance(_reconcile(place, stream, accept=False).error, Vanishing)
        assert _presences(place, stream) == before
        place.clock.sleep(3700)
        assert not _pull(place, stream, accept=True)[stream]
        assert _presences(place, stream).get("trashed") == many


def test_the_guard_lets_a_few_go_from_a_tiny_stream(tmp_path: Path) -> None:
    with office(tmp_path, tickets=30) as place:
        assert not _pull(place, "desk.accounts")["desk.accounts"]
        place.clock.sleep(3700)
        for one in list(place.box.state.accounts)[:5]:
            place.box.edit_account(one, trashed=True)
        place.clock.sleep(3700)
        assert not _pull(place, "desk.accounts")["desk.accounts"]
        assert _presences(place, "desk.accounts")["trashed"] == 5


# -- the service ----------------------------------------------------------------------------------


def test_a_day_of_the_service_proves_every_stream_within_the_allowance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[Comparison] = []
    compare = Reconciler.reconcile

    def watched(self: Reconciler, names: Sequence[str]) -> list[Comparison]:
        done = compare(self, names)
        found.extend(done)
        return done

    monkeypatch.setattr(Reconciler, "reconcile", watched)
    with office(tmp_path, tickets=230) as place:
        end = place.clock.at + timedelta(hours=24)
        while place.clock.at < end:
            place.app.tick()
            place.clock.sleep(3 * 3600)
        assert {one.stream for one in found} == {"desk.tickets", "desk.contacts", "desk.accounts"}
        assert all(one.error is None for one in found)
        dearest_step = 3 * 4
        assert all(one.credits <= ALLOWANCE + dearest_step for one in found), found
        assert all(one.remote == one.held for one in found)
