"""How tickets stood when they were planned, and whether a detail shows that one moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from zdsync.changes.plan import Seen
from zdsync.changes.sight import SKEW, moved, tags_hold
from zdsync.changes.wire import wire
from zdsync.model import Change, Scalar

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def change(field: str, before: Scalar, after: Scalar, rule: str = "r") -> Change:
    """One change of a ticket T1, in mode apply."""
    return Change(
        change_id=f"{rule} {field}",
        ticket_id="T1",
        ticket_number="1",
        rule=rule,
        field=field,
        before=before,
        after=after,
        evidence={},
        mode="apply",
        wire=wire(field, after, None),
        wire_before=wire(field, before, None),
    )


@pytest.mark.parametrize("shown", ["2026-03-02 09:00:00", "2026-03-02 09:00:00.000", None, ""])
def test_the_same_time_however_it_is_spelt_or_none_is_no_move(shown: str | None) -> None:
    assert not moved({"modified_time": shown}, Seen(AT))


@pytest.mark.parametrize("shown", ["2026-03-02 09:00:00.001", "2026-03-02 08:59:59"])
def test_any_other_time_is_a_move(shown: str) -> None:
    assert moved({"modified_time": shown}, Seen(AT))
    assert not moved({"modified_time": shown}, Seen(None))


def test_what_zdsync_itself_wrote_is_no_move() -> None:
    wrote = AT + timedelta(minutes=5)
    ours = {"modified_time": f"{wrote:%Y-%m-%d %H:%M:%S}"}
    later = {"modified_time": f"{wrote + SKEW + timedelta(seconds=1):%Y-%m-%d %H:%M:%S}"}
    assert not moved(ours, Seen(AT, wrote=wrote))
    assert moved(later, Seen(AT, wrote=wrote))
    known = Seen(wrote - timedelta(seconds=1), wrote=wrote)
    assert moved({"modified_time": f"{wrote + SKEW / 2:%Y-%m-%d %H:%M:%S}"}, known)


@pytest.mark.parametrize(
    ("count", "tags", "holds"),
    [("2", ("a", "b"), True), (0, (), True), ("1", ("a", "b"), False), (None, (), False)],
)
def test_tags_hold_where_their_number_does(
    count: object, tags: tuple[str, ...], holds: bool
) -> None:
    assert tags_hold({"tag_count": count}, Seen(AT, tags)) is holds
    assert not tags_hold({"tag_count": count}, Seen(AT, None))
