"""The loop: a failing tick never stops it, a signal ends it, one instance only."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from zdsync import daemon
from zdsync.errors import CreditsSpent, ZohoFailed


def _serve(tick: Callable[[], None], stop: threading.Event) -> None:
    daemon.serve(tick, every=timedelta(seconds=1), instance=contextlib.nullcontext(), stop=stop)


@pytest.mark.parametrize("failure", [ZohoFailed("Zoho is down"), ValueError("a bug")])
def test_a_failing_tick_never_stops_the_loop(
    failure: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "POLL_SECONDS", 0.01)
    stop, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 2:
            stop.set()
        raise failure

    _serve(tick, stop)
    assert len(ticks) == 2


def test_a_failing_tick_waits_its_pause_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "POLL_SECONDS", 0.01)
    stop, ticks = threading.Event(), []

    def tick() -> None:
        ticks.append(1)
        threading.Timer(0.3, stop.set).start()
        raise ZohoFailed("Zoho is down")

    _serve(tick, stop)
    assert len(ticks) == 1


def test_the_loop_ends_when_asked_and_frees_its_place() -> None:
    stop, left = threading.Event(), []

    @contextlib.contextmanager
    def place():  # type: ignore[no-untyped-def]  # a context manager of three lines
        yield
        left.append(True)

    stop.set()
    daemon.serve(lambda: None, every=timedelta(minutes=5), instance=place(), stop=stop)
    assert left == [True]


def test_the_pause_is_asked_after_each_tick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "POLL_SECONDS", 0.01)
    stop, ticks, asked = threading.Event(), [], []

    def pause() -> timedelta:
        asked.append(len(ticks))
        if len(ticks) == 1:
            return timedelta(seconds=1)
        threading.Timer(0.2, stop.set).start()
        return timedelta(hours=1)

    daemon.serve(
        lambda: ticks.append(1),
        every=timedelta(hours=2),
        instance=contextlib.nullcontext(),
        stop=stop,
        pause=pause,
    )
    assert asked == [1, 2]


def test_a_rest_is_said_once_and_the_loop_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(daemon, "POLL_SECONDS", 0.01)
    caplog.set_level("INFO", logger="zdsync")
    stop, ticks = threading.Event(), []
    until = datetime(2026, 3, 3, tzinfo=UTC)

    def tick() -> None:
        ticks.append(1)
        if len(ticks) == 2:
            stop.set()
        raise CreditsSpent("no credits", until, "rests until then")

    _serve(tick, stop)
    said = [one for one in caplog.records if "service=resting" in one.getMessage()]
    assert len(said) == 1
    assert len(ticks) == 2
