"""The price named before a pull is what the pull then costs; what is not told is not invented."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pull.world import World, world
from zdsync.cli.estimated import estimate_document, estimate_text
from zdsync.pull import Estimate
from zdsync.sandbox import Variant


def _cost(place: World, since: int) -> tuple[int, int]:
    made = place.box.calls[since:]
    return len(made), sum(one.credits for one in made)


def _estimated(place: World, *, full: bool) -> Estimate:
    before = len(place.box.calls)
    found = place.app().estimate(full=full)
    calls, credits = _cost(place, before)
    assert (found.cost_calls, found.cost_credits) == (calls, credits), "its own cost"
    assert credits <= 80
    return found


@pytest.mark.parametrize("known", [False, True])
def test_a_full_pull_costs_what_was_named(known: bool, tmp_path: Path) -> None:
    with world(tmp_path, tickets=900) as place:
        if known:
            place.pull()
        found = _estimated(place, full=True)
        before = len(place.box.calls)
        for outcome in place.app().pull(full=True):
            assert outcome.error is None
        calls, credits = _cost(place, before)
        named = found.credits("desk") + found.credits("crm")
        assert credits * 0.8 - 6 <= named <= credits * 1.25 + 12
        assert abs(sum(one.calls for one in found.prices) - calls) <= 0.25 * calls + 6
        rows = {one.stream: one.rows for one in found.prices}
        shown = [one for one in place.box.state.tickets.values() if place.box.state.searchable(one)]
        assert abs((rows["desk.tickets"] or 0) - len(shown)) <= 0
        assert rows["crm.contacts"] == len(place.box.state.crm_contacts)
        assert not found.at_least or not known


@pytest.mark.parametrize("known", [False, True])
def test_the_lists_of_departments_and_the_proofs_of_the_crm_are_in_the_price(
    known: bool, tmp_path: Path
) -> None:
    with world(tmp_path, tickets=1500) as place:
        if known:
            place.pull()
        found = _estimated(place, full=True)
        before = len(place.box.calls)
        for outcome in place.app().pull(full=True):
            assert outcome.error is None
        made = place.box.calls[before:]
        lists = sum(one.endpoint.endswith("/archivedTickets") for one in made)
        assert lists == len(place.box.state.departments)
        for stream, module in (("crm.contacts", "/Contacts"), ("crm.accounts", "/Accounts")):
            named = next(one.calls for one in found.prices if one.stream == stream)
            listed = [one for one in made if one.endpoint.endswith(module)]
            assert abs(named - len(listed)) <= 2, stream
        desk = sum(one.credits for one in made if one.system == "desk")
        assert abs(found.credits("desk") - desk) <= 0.15 * desk


def test_an_incremental_pull_is_priced_by_what_moved(tmp_path: Path) -> None:
    with world(tmp_path, tickets=300) as place:
        place.pull()
        place.clock.sleep(2 * 86_400)
        place.pull()
        place.clock.sleep(600)
        found = _estimated(place, full=False)
        before = len(place.box.calls)
        place.pull()
        _, credits = _cost(place, before)
        named = found.credits("desk") + found.credits("crm")
        assert credits <= named <= credits + 20


@pytest.mark.parametrize("cap", [100, 500])
def test_a_capped_count_says_at_least(cap: int, tmp_path: Path) -> None:
    with world(tmp_path, tickets=900, variant=Variant(count_capped_at=cap)) as place:
        found = _estimated(place, full=True)
        tickets = next(one for one in found.prices if one.stream == "desk.tickets")
        shown = [one for one in place.box.state.tickets.values() if place.box.state.searchable(one)]
        assert tickets.known == "at least" or tickets.rows == len(shown)
        assert (tickets.rows or 0) > cap
        assert (tickets.rows or 0) <= len(shown)


def test_the_text_is_aligned_and_says_what_it_rests_on(tmp_path: Path) -> None:
    with world(tmp_path, tickets=120) as place:
        found = _estimated(place, full=True)
        text = estimate_text(found, None, colour=False)
        lines = text.splitlines()
        assert any(line.split()[:1] == ["total"] for line in lines)
        assert f"This estimate cost {found.cost_calls} calls" in text
        assert "not told" in text, "agents were never read: their number is not known"
        told = estimate_document(found)
        assert told["total"]["at_least"]
        assert told["total"]["calls"] == sum(one["calls"] for one in told["streams"])
        assert not (place.settings.data_dir / "mirror.duckdb").exists()
