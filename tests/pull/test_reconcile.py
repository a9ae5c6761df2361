"""Reconcile and the bins, one thing at a time; all together: test_machine.py."""

from __future__ import annotations

from pathlib import Path

from tests.pull.world import world
from zdsync.errors import Vanishing


def test_more_than_a_tenth_does_not_vanish_at_once(tmp_path: Path) -> None:
    with world(tmp_path, tickets=230) as place:
        place.pull()
        for one in list(place.box.state.tickets)[:60]:
            place.box.purge(one)
        place.clock.sleep(7200)
        found = place.reconcile("desk.tickets", accept=False)["desk.tickets"]
        assert isinstance(found.error, Vanishing)
        assert "desk.tickets" in found.error.what
        assert place.rows("SELECT count(*) FROM desk.tickets WHERE presence = 'gone'") == [(0,)]
        assert place.reconcile("desk.tickets")["desk.tickets"].error is None
        assert not place.differences()


def test_an_equal_mirror_costs_few_credits_and_a_difference_is_found(tmp_path: Path) -> None:
    with world(tmp_path, tickets=1500) as place:
        place.pull()
        first = place.reconcile("desk.tickets")["desk.tickets"]
        assert first.repaired == 0  # reading hidden ones in full fills columns, and mends nothing
        place.clock.sleep(7200)
        found = place.reconcile("desk.tickets")["desk.tickets"]
        assert (found.repaired, found.buried, found.unproven) == (0, 0, [])
        assert found.remote == found.held
        assert found.credits <= 40
        lost = list(place.box.state.tickets)[700]
        place.box.purge(lost)
        place.clock.sleep(7200)
        found = place.reconcile("desk.tickets")["desk.tickets"]
        assert found.buried == 1
        query = "SELECT presence, subject IS NOT NULL FROM desk.tickets WHERE id = ?"
        assert place.rows(query, lost) == [("gone", True)]


def test_deletions_in_the_crm_get_a_tombstone_and_come_back(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        place.pull()
        one, other = list(place.box.state.crm_contacts)[:2]
        place.clock.sleep(60)
        place.box.crm_delete("Contacts", one)
        place.box.crm_delete("Contacts", other, permanent=True)
        query = "SELECT presence FROM crm.contacts WHERE id IN (?, ?) ORDER BY presence"
        place.clock.sleep(3700)
        place.pull()
        assert place.rows(query, one, other) == [("gone",), ("trashed",)]
        place.box.crm_restore("Contacts", one)
        place.clock.sleep(3700)
        place.pull()
        assert place.rows(query, one, other) == [("gone",), ("live",)]


def test_a_bin_that_may_not_be_read_fails_no_pull(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        place.box.fail_next(r"GET .*/recycleBin", status=403, times=9)
        place.pull()
        gone = list(place.box.state.tickets)[5]
        place.box.trash(gone)
        place.clock.sleep(3700)
        place.pull()
        found = place.reconcile("desk.tickets")["desk.tickets"]
        assert found.buried == 1
        assert "the recycle bin may not be read" in found.unproven
        assert not place.differences()


def test_the_service_compares_one_stream_every_few_hours(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        app = place.app()
        done = "SELECT name FROM zdsync.options WHERE starts_with(name, 'reconciled.')"
        app.tick()
        app.tick()
        assert len(place.rows(done)) == 1
        place.clock.sleep(7 * 3600)
        app.tick()
        assert len(place.rows(done)) == 2
