"""A day's credits run out: what zdsync spends, says, still does, and when it goes on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from tests.loop.portal import ROOT
from tests.pull.world import World, world
from zdsync import readings
from zdsync.cli.status import status_text
from zdsync.errors import CreditsSpent, ZdsyncError
from zdsync.sandbox import Variant
from zdsync.sql import Sql

ALLOWANCE = 100  # of the free edition's 5,000, with 98 % left to others
SETTINGS = {"edition": "free", "credit_reserve": 0.98}


def _with(place: World, **changes: object) -> World:
    return World(place.box, place.settings.model_copy(update=changes), place.clock)


def _desk(place: World) -> int:
    return place.box.api.meters["desk"].spent


def _spend(place: World) -> ZdsyncError:
    """Full pulls, a new process each, until one is refused."""
    for _ in range(40):
        place.clock.sleep(60)
        for outcome in place.app().pull(full=True):
            if outcome.error is not None:
                return outcome.error
    raise AssertionError("the credits never came to an end")


@pytest.mark.parametrize("headers", ["both", "left", "none"])
def test_the_reserve_holds_over_restarts_whatever_zoho_tells(headers: str, tmp_path: Path) -> None:
    variant = Variant(edition="free", rate_headers=headers, day_begins=8)
    with world(tmp_path, tickets=120, variant=variant) as plain:
        place = _with(plain, **SETTINGS, rules=ROOT / "rules.yaml")
        error = _spend(place)
        assert isinstance(error, CreditsSpent)
        assert error.exit_code == 4
        assert f"rests until {error.retry_at:%Y-%m-%d %H:%M} UTC" in error.hint
        assert ALLOWANCE - 12 <= _desk(place) <= ALLOWANCE
        calls = len(place.box.calls)
        for _ in range(2):  # cron tries again and again
            place.clock.sleep(300)
            with pytest.raises(CreditsSpent):
                place.app().tick(once=True)
        assert not [one for one in place.box.calls[calls:] if one.system == "desk"]
        assert {one.system for one in place.box.calls[calls:]} == {"crm"}, "a pool of its own"
        _goes_on_reading(place, error)
        place.clock.at = error.retry_at + timedelta(hours=9)  # also where we look too early
        place.pull()


def _goes_on_reading(place: World, error: CreditsSpent) -> None:
    status = place.app().status()
    said = status.document()["credits"]
    assert said["resting_until"] == error.retry_at.isoformat().replace("+00:00", "Z")
    assert said["spent_today"] == pytest.approx(_desk(place), abs=1)
    assert said["pools"]["desk"]["kept_for_others"] == 4_900
    text = status_text(status, None, colour=False)
    assert f"resting until {error.retry_at:%Y-%m-%d %H:%M:%S} UTC" in text
    _, rows = readings.ask(place.settings, Sql("select count(*) from tickets"))
    assert rows[0][0] > 0
    readings.report(place.settings, place.clock, "workload", None, None)


def test_credits_that_others_used_make_zdsync_rest(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as place:
        place.pull()
        meter = place.box.api.meters["desk"]
        meter.spend(meter.budget - meter.spent - 9_000, place.box.at())
        with pytest.raises(CreditsSpent):
            place.app().tick()
            place.app().tick()
        assert meter.remaining(place.box.at()) >= 8_990


def test_a_day_refused_by_zoho_rests_as_long_as_it_asks(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as place:
        place.pull()
        place.box.fail_next(r"GET /api/v1/", kind="credits429", times=1)
        with pytest.raises(CreditsSpent) as caught:
            place.app().tick()
        asked = place.box.api.meters["desk"].retry_after(place.box.at())
        rest = (caught.value.retry_at - place.clock.now()).total_seconds()
        assert rest == pytest.approx(asked, abs=5)
        calls = len(place.box.calls)
        with pytest.raises(CreditsSpent):
            place.app().tick()
        assert {one.system for one in place.box.calls[calls:]} <= {"crm"}


def test_the_crm_without_credits_rests_by_itself_and_desk_goes_on(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as place:
        place.pull()
        meter = place.box.api.meters["crm"]
        meter.spend(meter.remaining(place.box.at()), place.box.at())
        place.clock.sleep(3600)
        before = len(place.box.calls)
        with pytest.raises(CreditsSpent):
            place.app().tick()
        made = place.box.calls[before:]
        assert {one.status for one in made if one.system == "crm"} == {429}
        assert len([one for one in made if one.system == "crm"]) <= 30
        assert [one for one in made if one.endpoint.endswith("/tickets/search")]
        before = len(place.box.calls)
        place.clock.sleep(300)
        with pytest.raises(CreditsSpent):
            place.app().tick()
        assert not [one for one in place.box.calls[before:] if one.system == "crm"]


def test_near_the_end_of_the_allowance_the_pause_stretches_and_comes_back(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as place:
        place.pull()
        app = place.app()
        for _ in range(3):
            place.clock.sleep(300)
            app.tick()
        assert app.place.pause() == place.settings.every
        meter = place.box.api.meters["desk"]
        short = round(0.2 * meter.budget) + 600
        meter.spend(meter.remaining(place.box.at()) - short, place.box.at())
        place.clock.sleep(300)
        app.tick()
        stretched = app.place.pause()
        assert place.settings.every < stretched <= timedelta(hours=1)
        place.clock.sleep(86_400)
        app.tick()
        assert app.place.pause() == place.settings.every


def test_the_edition_is_asked_for_once_a_day_and_agents_bring_credits(tmp_path: Path) -> None:
    with world(tmp_path, tickets=30) as place:
        place.pull()
        for _ in range(3):
            place.pull()
        asked = [one for one in place.box.calls if one.endpoint.endswith("/organizations")]
        assert len(asked) == 1
        pools = place.app().status().document()["credits"]["pools"]
        active = [one for one in place.box.state.agents.values() if one.status == "ACTIVE"]
        assert pools["desk"]["a_day"] >= 50_000 + 250 * len(active)
        place.clock.sleep(86_401)
        place.pull()
        asked = [one for one in place.box.calls if one.endpoint.endswith("/organizations")]
        assert len(asked) == 2
