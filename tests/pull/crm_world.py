"""A portal whose CRM is pulled by itself: no Desk tickets, no publishing."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any

from tests.pull.world import World
from zdsync.errors import ZdsyncError
from zdsync.mirror import Mirror
from zdsync.pull import Puller, Quiet, StreamOutcome
from zdsync.pull.comparison import Comparison

CRM = ("crm.fields", "crm.users", "crm.accounts", "crm.contacts", "crm.leads")


@contextmanager
def pulling(place: World, *, accept: bool = False) -> Any:
    """Lend a puller, and the mirror that it fills."""
    app = place.app()
    with app.place.work("test") as mirror:
        zoho = app.place.zoho
        yield zoho.puller(mirror, "run", Quiet(), accept_deletes=accept), mirror, zoho


def pull(place: World, *streams: str, full: bool = False) -> dict[str, ZdsyncError | None]:
    """Pull streams, those of the CRM by default; returns how each failed, if it did."""
    return {one.stream: one.error for one in outcomes(place, *streams, full=full)}


def outcomes(place: World, *streams: str, full: bool = False) -> list[StreamOutcome]:
    with pulling(place) as (puller, _, _):
        assert isinstance(puller, Puller)
        return puller.pull(streams or CRM, full=full)


def quiet(place: World, *streams: str) -> None:
    """Pull; nothing may fail."""
    assert set(pull(place, *streams).values()) == {None}


def compare(place: World, stream: str, *, accept: bool = False) -> Comparison:
    """Reconcile one stream of the CRM."""
    with pulling(place, accept=accept) as (puller, mirror, zoho):
        assert isinstance(mirror, Mirror)
        found: list[Comparison] = zoho.reconciler(puller).reconcile([stream])
        return found[0]


def crm_calls(place: World, part: str = "") -> int:
    """How many calls the CRM has had whose endpoint holds `part`."""
    return sum(c.system == "crm" and part in c.endpoint for c in place.box.calls)
