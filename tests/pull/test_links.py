"""Links from Desk to the CRM that come and go without a modified time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pull.crm_world import pull
from tests.pull.world import World, world
from zdsync.pull import links
from zdsync.sandbox import Variant

DAY = 86_400.0
PEOPLE = ("desk.contacts", "desk.accounts")
CONTACT = "SELECT zoho_crm_contact_id, zoho_crm_contact_type FROM desk.contacts WHERE id = ?"
ACCOUNT = "SELECT zoho_crm_account_id FROM desk.accounts WHERE id = ?"


def quiet(place: World) -> None:
    assert set(pull(place, *PEOPLE).values()) == {None}


def spent(place: World, stream: str) -> float:
    query = "SELECT coalesce(sum(credits), 0) FROM zdsync.calls WHERE stream = ?"
    return float(place.rows(query, stream)[0][0])


@pytest.mark.parametrize("carried", ["full", "empty", "absent"])
def test_links_that_come_and_go_are_seen_within_a_day(tmp_path: Path, carried: str) -> None:
    variant = Variant(contact_search_has_crm_link=carried, from_base=1 if carried == "full" else 0)
    with world(tmp_path, tickets=200, variant=variant) as place:
        state = place.box.state
        quiet(place)
        linked = next(c.id for c in state.contacts.values() if c.crm_id and not c.trashed)
        unlinked = next(c.id for c in state.contacts.values() if not c.crm_id and not c.trashed)
        account = next(a.id for a in state.accounts.values() if a.crm_id)
        place.clock.sleep(2 * DAY)
        quiet(place)  # a first pass
        place.box.relink_contact(linked, None)
        place.box.relink_contact(unlinked, "5551000000000000777", "leads")
        place.box.relink_account(account, None)
        place.clock.sleep(DAY)
        quiet(place)
        assert place.rows(CONTACT, linked) == [(None, None)]
        assert place.rows(CONTACT, unlinked) == [("5551000000000000777", "leads")]
        assert place.rows(ACCOUNT, account) == [(None,)]
        place.clock.sleep(300)
        quiet(place)  # the overlap's search rows do not bring the old link back
        assert place.rows(CONTACT, linked) == [(None, None)]


def test_a_pass_spreads_over_the_pulls_of_a_day_and_keeps_to_its_allowance(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=1600) as place:
        quiet(place)
        place.clock.sleep(DAY)
        with_pass = 0.0
        for _ in range(4):
            before = spent(place, "desk.contacts")
            place.clock.sleep(DAY / 24)
            quiet(place)
            with_pass = spent(place, "desk.contacts") - before
            assert with_pass <= links.CREDITS + 20


def test_many_contacts_are_read_by_id_at_a_flat_price(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(links, "_SHALLOW", 30)
    with world(tmp_path, tickets=400) as place:
        quiet(place)
        last = max(one.id for one in place.box.state.contacts.values() if not one.trashed)
        place.box.relink_contact(last, "5551000000000000778")
        place.clock.sleep(DAY)
        quiet(place)
        assert any("contactsByIds" in call.endpoint for call in place.box.calls)
        assert place.rows(CONTACT, last)[0][0] == "5551000000000000778"
