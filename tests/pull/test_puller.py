"""Reading into the mirror: cursors, resuming, what is never stored."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path

from tests.loop.portal import Portal, portal
from zdsync.app import App
from zdsync.errors import ZohoFailed
from zdsync.model import Cursor
from zdsync.pull.lookback import LOOKBACK
from zdsync.readings import reading
from zdsync.sql import Sql


def _cursor(place: Portal, stream: str = "desk.tickets") -> Cursor:
    with place.app().place.work("test") as mirror:
        return mirror.cursor(stream)


def _ids(place: Portal) -> set[str]:
    return {row[0] for row in place.rows("SELECT id FROM desk.tickets")}


def test_promise_1_a_cursor_stays_behind_the_start_of_the_run_by_the_lookback(
    tmp_path: Path,
) -> None:
    with portal(tmp_path, tickets=80) as place:
        for _ in range(2):
            before = place.app().place.clock.now()
            place.pull()
            for stream in ("desk.tickets", "desk.contacts", "crm.contacts"):
                value = _cursor(place, stream).value
                assert value is not None
                assert value <= place.app().place.clock.now() - LOOKBACK
                assert value >= before - LOOKBACK - timedelta(seconds=1)


def test_promise_1_a_broken_backfill_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=3000) as place:
        app = place.app(edition="free")
        app.place.clock.sleep = lambda seconds: None  # type: ignore[method-assign]  # no waiting in tests
        _break_after(place, app, pages=20)
        cursor = _cursor(place)
        assert not cursor.complete
        assert cursor.pending
        kept = _ids(place)
        assert 0 < len(kept) < 3000
        calls = len(place.box.calls)
        place.pull(names=["desk.tickets"])
        pages = sum("search" in call.endpoint for call in place.box.calls[calls:])
        assert pages < 3000 / 99 - 5
        truth = {t.id for t in place.box.state.tickets.values()
                 if not (t.spam or t.trashed or t.archived)}  # fmt: skip
        assert _ids(place) == truth
        assert _cursor(place).complete


def test_what_a_failing_walk_had_read_is_kept(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=1500) as place:
        app = place.app(edition="free")
        app.place.clock.sleep = lambda seconds: None  # type: ignore[method-assign]  # no waiting in tests
        _break_after(place, app, pages=8)  # fewer than fill a batch
        assert len(_ids(place)) >= 300
        assert _cursor(place).pending


def test_small_streams_are_asked_for_side_by_side(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        app = place.app()
        desk = app.place.zoho.desk
        pages, both = desk.pages, threading.Barrier(2)

        def together(spec):  # type: ignore[no-untyped-def]  # as the connector's
            if spec.name in ("desk.departments", "desk.agents"):
                both.wait(timeout=30)  # one after the other would wait for ever
            return pages(spec)

        desk.pages = together  # type: ignore[method-assign]  # the only way to see it
        assert all(outcome.error is None for outcome in app.pull())
        assert place.rows("SELECT count(*) FROM desk.agents")[0][0] > 10


def test_a_small_stream_that_fails_leaves_the_others_alone(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=40) as place:
        app = place.app()
        desk = app.place.zoho.desk
        pages = desk.pages

        def down(spec):  # type: ignore[no-untyped-def]  # as the connector's
            if spec.name == "desk.agents":
                raise ZohoFailed("Zoho is down")
            return pages(spec)

        desk.pages = down  # type: ignore[method-assign]  # the only way to break one stream
        failed = [outcome.stream for outcome in app.pull() if outcome.error]
        assert failed == ["desk.agents"]


def _break_after(place: Portal, app: App, pages: int) -> None:
    """Let the search answer so many pages, then fail until the pull gives up."""
    answered = 0
    desk = app.place.zoho.desk
    fetch = desk._fetch

    def counting(spec):  # type: ignore[no-untyped-def]  # wraps a private of the connector
        inner = fetch(spec)

        def one(query):  # type: ignore[no-untyped-def]  # as the connector's
            nonlocal answered
            answered += 1
            if answered > pages:
                raise ZohoFailed("Zoho is down")
            return inner(query)

        return one

    desk._fetch = counting  # type: ignore[method-assign]  # the only way to stop in the middle
    (outcome,) = app.pull(["desk.tickets"])
    assert isinstance(outcome.error, ZohoFailed)


def test_excluded_columns_are_never_stored(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        app = place.app(exclude=("desk.tickets.description", "desk.contacts.phone"))
        assert all(outcome.error is None for outcome in app.pull())
        assert place.rows("SELECT count(description) FROM desk.tickets") == [(0,)]
        assert place.rows("SELECT count(phone) FROM desk.contacts") == [(0,)]
        assert place.rows("SELECT count(email) FROM desk.contacts")[0][0] > 0


def test_columns_kept_from_analysts_stay_for_the_rules(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        app = place.app(publish_exclude=("desk.tickets.description",))
        assert all(outcome.error is None for outcome in app.pull())
        assert place.rows("SELECT count(description) FROM desk.tickets")[0][0] > 0
        with reading(app.place.settings) as reader:
            assert reader.rows(Sql("SELECT count(description) FROM desk.tickets")) == [(0,)]


def test_an_idle_service_reads_metadata_hourly_only(tmp_path: Path) -> None:
    with portal(tmp_path, tickets=80) as place:
        app = place.app()
        app.tick()
        calls = len(place.box.calls)
        app.tick()
        asked = {call.endpoint for call in place.box.calls[calls:]}
        assert not [path for path in asked if "agents" in path or "departments" in path]


def test_private_files_are_their_owners_alone_and_the_published_one_is_readable(
    tmp_path: Path,
) -> None:
    with portal(tmp_path, tickets=80) as place:
        place.app().tick()
        private = place.settings.private_dir
        with place.app().place.work("test") as mirror:
            mirror.note("x", "y")  # a write-ahead log is there now
            modes = {p.name: p.stat().st_mode & 0o777 for p in private.rglob("*") if p.is_file()}
        assert modes
        assert set(modes.values()) == {0o600}, modes
        assert private.stat().st_mode & 0o777 == 0o700
        assert (place.settings.data_dir / "mirror.duckdb").stat().st_mode & 0o777 == 0o440
        assert place.settings.data_dir.stat().st_mode & 0o777 == 0o750
