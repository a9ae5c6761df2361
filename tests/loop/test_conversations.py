"""Conversations, end to end: what rules see is what was said, and costs what it must."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from tests.loop.talk import EVERYTHING, open_tickets, reading_calls, told, truth
from zdsync.sandbox import Variant

VARIANTS = {
    "likely": {},
    "base-1": {"from_base": 1, "search_from_base": 1},
    "refused-404": {"conversations": 404},
    "refused-403": {"conversations": 403},
    "refused-422": {"conversations": 422},
    "small-pages": {"conversations_cap": 50},
    "epoch": {"times": "epoch", "ids_as_int": True},
}  # fmt: skip
PLENTY = 10_000.0


def _busy(place: Portal) -> None:
    """People at work: every kind of message and comment that could be miscounted."""
    some = iter(open_tickets(place))
    for by, attributes in (
        ("agent", {}),
        ("agent", {"status": "DRAFT"}),
        ("agent", {"status": "FAILED"}),
        ("agent", {"forward": True}),
        ("agent", {"private": True}),
        ("agent", {"channel": "ONLINE_CHAT"}),
        ("customer", {}),
    ):
        one = next(some).id
        place.box.reply(one, "We answer.", by="agent")
        place.box.reply(one, "And once more.", by=by, **attributes)
        place.box.comment(one, "Call: nobody there")
        place.box.comment(one, "<p><b>Telefonat</b> mit dem Labor</p>")
        place.box.comment(one, "Recall the invoice")
    place.box.comment(next(some).id, "It is still broken", by="customer")
    long = next(some).id
    for number in range(70):
        place.box.reply(long, f"Part {number}", by="agent")
    for number in range(60):
        place.box.comment(long, f"call {number}")


def _differences(place: Portal, seen: dict[str, dict[str, object]]) -> list[object]:
    wanted = {one.id: truth(place, one) for one in open_tickets(place)}
    assert set(seen) == set(wanted)
    return [(one, seen[one], wanted[one]) for one in wanted if seen[one] != wanted[one]]


@pytest.mark.parametrize("name", VARIANTS)
def test_rules_see_what_was_said_on_every_zoho(name: str, tmp_path: Path) -> None:
    with portal(tmp_path, tickets=120, variant=Variant(**VARIANTS[name])) as place:
        place.rules(EVERYTHING)
        _busy(place)
        place.pull()
        plan = place.app(child_credits=PLENTY).plan()
        assert not _differences(place, told(plan))
        assert plan.cost.read_calls == len(reading_calls(place))
        assert not plan.needs
        before = len(place.box.calls)
        again = place.app(child_credits=PLENTY).plan()
        assert not reading_calls(place, before), "an unmoved ticket was read twice"
        assert again.plan_id == plan.plan_id
        assert again.cost.read_credits == 0
