"""What no modified time tells: formulas, lost sight, rows that a moving list skipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.pull.crm_world import compare, crm_calls, pull, pulling, quiet
from tests.pull.world import World, world
from zdsync.errors import Vanishing
from zdsync.sandbox import Variant

DAY = 86_400.0
PRESENCE = "SELECT presence FROM crm.contacts WHERE id = ?"


def score(place: World, one: str) -> Any:
    ((cf,),) = place.rows("SELECT cf FROM crm.accounts WHERE id = ?", one)
    return orjson.loads(cf)


def test_formulas_and_roll_ups_are_refreshed_daily_though_nothing_was_modified(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=60) as place:
        one = next(iter(place.box.state.crm_accounts))
        quiet(place)
        before = score(place, one)
        place.box.crm_recalculate("Accounts", one, Health_Score=101, Deals_Won=7)
        place.clock.sleep(3 * 3600)
        quiet(place)
        assert score(place, one) == before  # no incremental read shows it
        place.clock.sleep(DAY)
        quiet(place)
        assert score(place, one) == {**before, "Health_Score": 101, "Deals_Won": 7}


def test_a_survey_costs_a_credit_per_200_rows_and_only_one_runs_at_a_time(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        quiet(place)
        place.clock.sleep(8 * DAY)
        quiet(place)  # the hourly and daily reads are done now
        surveyed = "SELECT count(DISTINCT value->>'at') FROM zdsync.options WHERE name LIKE 'surv%'"
        assert place.rows(surveyed) == [(3,)]
        before = crm_calls(place)
        place.clock.sleep(300)
        quiet(place, "crm.accounts", "crm.contacts", "crm.leads")
        # two other streams are still due; one is surveyed now: one call beside the three reads
        assert crm_calls(place) - before == 3 + 1


def test_a_value_that_was_refreshed_does_not_go_back_to_an_older_reading(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        one = next(iter(place.box.state.crm_accounts))
        place.box.crm_edit("Accounts", one, Health_Score=1, SLA_Tier="Gold")
        quiet(place)
        place.box.crm_recalculate("Accounts", one, Health_Score=2)
        place.clock.sleep(600)
        quiet(place)  # the overlap is read again: equal modified time, later reading
        assert score(place, one)["Health_Score"] == 2
        assert score(place, one)["SLA_Tier"] == "Gold"


@pytest.mark.parametrize("missing", [204, 400])
def test_a_record_that_was_lost_from_sight_is_found_by_comparing_ids(
    tmp_path: Path, missing: int
) -> None:
    with world(tmp_path, tickets=80, variant=Variant(crm_missing=missing)) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_contacts))
        place.box.crm_share("Contacts", one, shared=False)
        place.clock.sleep(3700)
        quiet(place)
        assert place.rows(PRESENCE, one) == [("live",)]  # no feed tells
        found = compare(place, "crm.contacts")
        assert (found.error, found.buried, found.unproven) == (None, 1, [])
        assert found.remote == found.held
        assert place.rows(PRESENCE, one) == [("gone",)]
        place.box.crm_share("Contacts", one, shared=True)
        place.clock.sleep(60)
        assert compare(place, "crm.contacts").repaired == 1
        assert place.rows(PRESENCE, one) == [("live",)]


def test_what_no_list_shows_but_a_read_of_it_does_stays(tmp_path: Path) -> None:
    with world(tmp_path, tickets=80) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_contacts))
        place.box.crm_share("Contacts", one, shared=False)  # or waits for approval, say
        body = orjson.dumps({"data": [{"id": one}]})
        place.box.fail_next(rf"GET .*/Contacts/{one}$", status=200, body=body)
        place.clock.sleep(60)
        assert compare(place, "crm.contacts").buried == 0
        assert place.rows(PRESENCE, one) == [("live",)]


def test_what_may_not_be_read_is_not_called_gone(tmp_path: Path) -> None:
    with world(tmp_path, tickets=80) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_contacts))
        place.box.crm_share("Contacts", one, shared=False)
        place.box.fail_next(
            rf"GET .*/Contacts/{one}$",
            status=403,
            body='{"code":"NO_PERMISSION","details":{},"message":"no","status":"error"}',
        )
        place.clock.sleep(60)
        found = compare(place, "crm.contacts")
        assert found.buried == 0
        assert "1 that no list shows" in found.unproven[0]
        assert place.rows(PRESENCE, one) == [("live",)]


def test_a_list_that_suddenly_shows_little_buries_nobody(tmp_path: Path) -> None:
    with world(tmp_path, tickets=200) as place:
        quiet(place)
        for one in list(place.box.state.crm_contacts)[:20]:
            place.box.crm_share("Contacts", one, shared=False)
        place.clock.sleep(60)
        found = compare(place, "crm.contacts")
        assert isinstance(found.error, Vanishing)
        gone = "SELECT count(*) FROM crm.contacts WHERE presence = 'gone'"
        assert place.rows(gone) == [(0,)]
        assert compare(place, "crm.contacts", accept=True).buried == 20
        assert place.rows(gone) == [(20,)]


def test_a_row_that_a_deletion_in_mid_list_made_a_walk_skip_is_read_all_the_same(
    tmp_path: Path,
) -> None:
    variant = Variant(crm_token_frozen=False)
    with world(tmp_path, tickets=2400, variant=variant) as place:
        there = sorted(place.box.state.crm_contacts)
        assert len(there) > 250
        quiet(place, "crm.fields")
        with pulling(place) as (puller, _, _):
            get = puller.crm._api.get
            pages = 0

            def deleting(path: str, params: Any = None, **more: Any) -> Any:
                nonlocal pages
                pages += path == "/Contacts"
                if pages == 2:  # all that follows moves up by three rows
                    pages += 1
                    for one in there[:3]:
                        place.box.crm_delete("Contacts", one)
                return get(path, params, **more)

            puller.crm._api.get = deleting
            (outcome,) = puller.pull(["crm.contacts"])
        assert outcome.error is None
        held = {one for (one,) in place.rows("SELECT id FROM crm.contacts")}
        assert set(there[3:]) <= held


def test_a_mirror_that_was_silent_for_longer_than_the_feed_remembers_compares_ids(
    tmp_path: Path,
) -> None:
    with world(tmp_path, tickets=80) as place:
        quiet(place)
        one = next(iter(place.box.state.crm_contacts))
        place.box.crm_delete("Contacts", one)
        place.clock.sleep(61 * DAY)
        for _ in range(3):
            quiet(place)
        assert place.rows(PRESENCE, one) == [("gone",)]


def test_a_feed_that_hides_some_deletions_makes_the_comparison_due(tmp_path: Path) -> None:
    with world(tmp_path, tickets=2400, variant=Variant(crm_deleted_records=200)) as place:
        quiet(place)
        gone = list(place.box.state.crm_contacts)[:25]
        place.clock.sleep(60)
        with pulling(place) as (puller, _, _):
            puller.crm.deleted = lambda spec, since: iter([_cut()])
            puller.deletes().read(_contacts())
        for one in gone:
            place.box.state.crm_contacts[one].deleted = 1  # the feed has forgotten them
            place.box.state.version += 1
        place.clock.sleep(300)
        quiet(place, "crm.contacts")
        buried = "SELECT count(*) FROM crm.contacts WHERE presence = 'gone'"
        assert place.rows(buried) == [(25,)]


def test_a_field_that_comes_into_sight_is_read_of_every_record(tmp_path: Path) -> None:
    with world(tmp_path, tickets=80) as place:
        one = next(iter(place.box.state.crm_accounts))
        place.box.crm_recalculate("Accounts", one, Older="kept")
        state = place.box.state
        hidden = [state.crm_accounts[one].values.pop("Older")]
        quiet(place)
        assert "Older" not in score(place, one)
        place.box.crm_recalculate("Accounts", one, Older=hidden[0])  # a right to it was given
        place.clock.sleep(3700)
        for _ in range(3):
            quiet(place)
        assert score(place, one)["Older"] == "kept"


def test_reconcile_of_a_crm_that_was_never_read_says_so(tmp_path: Path) -> None:
    with world(tmp_path, tickets=60) as place:
        found = compare(place, "crm.leads")
        assert found.unproven == ["never fully read; run zdsync pull"]
        assert pull(place, "crm.leads") == {"crm.leads": None}


def _cut() -> Any:
    from zdsync.connectors.crm import Feed

    return Feed(cut=True)


def _contacts() -> Any:
    from zdsync.streams import BY_NAME

    return BY_NAME["crm.contacts"]
