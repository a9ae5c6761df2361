"""Promise 3: after whatever happened, a quiet pull and a reconcile make the mirror equal."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pull.world import World, world
from zdsync.errors import Vanishing
from zdsync.sandbox import Variant

VARIANTS = {
    "likely": {},
    "spam-shown": {"spam_in_search": True, "count_includes_spam": False},
    "archived-shown": {"archived_in_search": True},
    "trashed-shown": {"trashed_in_search": True},
    "all-shown": {
        "spam_in_search": True, "archived_in_search": True, "trashed_in_search": True,
    },
    "missing-204": {"missing_answers": 204, "merged_loser": "trashed"},
    "missing-422": {"missing_answers": 422, "merged_loser": "master"},
    "count-capped": {"count_capped_at": 100},
    "count-capped-high": {"count_capped_at": 150, "archived_in_search": True},
    "count-text": {"count_as_string": True, "count_credits": 50, "ids_as_int": True},
    "epoch": {"times": "epoch", "range_start": "exclusive", "range_end": "exclusive"},
    "milliseconds": {"subsecond": True, "range_end": "exclusive"},
    "lagging": {"index_lag_seconds": 300, "trashed_in_search": True},
}  # fmt: skip
WORDS = (
    "create", "edit", "mass", "trash", "restore", "purge", "merge", "spam", "ham", "archive",
    "contact", "account", "pull", "wait", "empty",
)  # fmt: skip
DEEDS = st.lists(
    st.tuples(st.sampled_from(WORDS), st.integers(0, 10_000)), min_size=10, max_size=25
)


def _do(place: World, word: str, number: int) -> None:
    box, plain = place.box, {"trashed": False, "spam": False, "archived": False}
    ticket = place.pick(number, **plain)
    place.clock.sleep(1 + number % 90)
    match word:
        case "create":
            box.create(subject=f"new {number}")
        case "pull":
            place.pull()
        case "wait":
            place.clock.sleep(3600 * (number % 30))
        case "restore" if one := place.pick(number, trashed=True):
            box.restore(one.id)
        case "empty" if one := place.pick(number, trashed=True):
            box.purge(one.id)
        case "ham" if one := place.pick(number, trashed=False, spam=True):
            box.mark_spam(one.id, False)
        case "contact" | "account":
            _do_person(place, word, number)
        case _ if ticket:
            _do_ticket(place, word, number, ticket.id)


def _do_ticket(place: World, word: str, number: int, ticket: str) -> None:
    box = place.box
    match word:
        case "edit":
            box.edit(ticket, subject=f"edited {number}", priority="High")
        case "mass":
            some = [one for one in list(box.state.tickets)[number % 50 :] if one][:30]
            box.mass_update(some, category=f"moved {number}")
        case "trash":
            box.trash(ticket)
        case "purge":
            box.purge(ticket)
        case "spam":
            box.mark_spam(ticket)
        case "archive":
            box.archive(ticket)
        case "merge":
            other = place.pick(number + 7, trashed=False)
            if other and other.id != ticket:
                box.merge(ticket, [other.id])


def _do_person(place: World, word: str, number: int) -> None:
    box = place.box
    store = box.state.contacts if word == "contact" else box.state.accounts
    used = {getattr(one, f"{word}_id") for one in box.state.tickets.values()}
    used |= {one.account_id for one in box.state.contacts.values()} if word == "account" else set()
    edit = box.edit_contact if word == "contact" else box.edit_account
    one = list(store)[number % len(store)]
    if number % 3 == 0 and one not in used:
        box.purge(one)
    elif number % 5 == 0 and word == "contact":
        box.create_contact(f"Person {number}")
    else:
        edit(one, trashed=store[one].trashed is None)


@settings(max_examples=int(os.environ.get("RECONCILE_EXAMPLES", "3")))
@given(name=st.sampled_from(sorted(VARIANTS)), deeds=DEEDS)
def test_promise_3_pull_and_reconcile_make_the_mirror_equal(
    name: str, deeds: list[tuple[str, int]]
) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        world(Path(folder), tickets=230, variant=Variant(**VARIANTS[name])) as place,
    ):
        place.pull()
        place.reconcile()
        for word, number in deeds:
            _do(place, word, number)
        place.clock.sleep(2 * 3600)
        found = place.reconcile()
        assert not [one for one in found.values() if one.error], found
        assert not place.differences(), found


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
        place.reconcile("desk.tickets")
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
