"""A rule that sets a due date, from the file to Zoho and back, however Zoho tells the time."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.pull.world import World, world
from zdsync.sandbox import Variant

RULES = """version: 1
settings:
  calendars:
    office: {timezone: America/Chicago, hours: {mon-fri: "09:00-18:00"}, holidays: [2026-03-03]}
rules:
  - id: due-by-phone
    mode: apply
    when: {channel: Phone}
    then: [{set: {due: in 3 business days}}]
  - id: soon
    mode: apply
    when: {channel: Phone, due: {before: in 2h}}
    then: [{set: {priority: High}}]
"""
VARIANTS = {"likely": {}, "epoch": {"times": "epoch"}, "milliseconds": {"subsecond": True}}


def _dues(place: World) -> dict[str, datetime]:
    return {
        one.id: datetime.fromtimestamp(one.due / 1000, UTC)
        for one in place.box.state.tickets.values()
        if one.due is not None
    }


@pytest.mark.parametrize("name", VARIANTS)
def test_a_due_date_is_set_once_and_is_then_quiet(name: str, tmp_path: Path) -> None:
    with world(tmp_path, tickets=40, variant=Variant(**VARIANTS[name])) as made:
        rules = tmp_path / "rules.yaml"
        rules.write_text(RULES, encoding="utf-8")
        place = World(made.box, made.settings.model_copy(update={"rules": rules}), made.clock)
        set_by_people = _dues(place)
        empty = place.box.create(subject="rang twice", channel="Phone", due=None, priority=None)
        place.pull()
        _, applied = place.app().apply(None, lambda plan: True)
        assert applied is not None
        assert applied.clean
        found = _dues(place)
        # Monday 03:00 in Chicago, moved into the hours; the 3rd is off.
        assert found[empty.id] == datetime(2026, 3, 6, 15, tzinfo=UTC)
        assert set_by_people.items() <= found.items()
        assert not place.app().plan().writes
        place.clock.at = datetime(2026, 3, 6, 12, 30, tzinfo=UTC)
        place.pull()
        assert empty.id not in {one.ticket_id for one in place.app().plan().writes}
        place.clock.at = datetime(2026, 3, 6, 13, 30, tzinfo=UTC)
        place.pull()
        soon = [one for one in place.app().plan().writes if one.ticket_id == empty.id]
        assert [(one.rule, one.field) for one in soon] == [("soon", "priority")]
        assert _dues(place) == found
