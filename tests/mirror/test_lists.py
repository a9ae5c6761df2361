"""The lists for people: open tickets that nobody touched, and possible duplicates."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.mirror.records import at, batch, ticket
from zdsync.mirror import Mirror
from zdsync.model import Shape
from zdsync.sql import Sql


def _stamp(hours: float) -> str:
    return f"{at(0) + timedelta(hours=hours):%Y-%m-%d %H:%M:%S}"


def _put(mirror: Mirror, *rows: dict[str, Any], read: float = 0) -> None:
    mirror.upsert(batch(*rows, shape=Shape.DETAIL, stream="desk.tickets", read=read * 60))


def _pairs(mirror: Mirror) -> set[tuple[str, str]]:
    return set(mirror.rows(Sql("select id, later_id from possible_duplicates")))


def test_like_subjects_of_one_contact_within_a_day_are_pairs(mirror: Mirror) -> None:
    def one(id: str, hours: float, subject: str | None, contact: str = "c1") -> dict[str, Any]:
        return {
            **ticket(id, 1),
            "contact_id": contact,
            "subject": subject,
            "created_time": _stamp(hours),
        }

    _put(
        mirror,
        one("1", 0, "Cannot log in to the portal"),
        one("2", 23.9, "RE: Fwd:  cannot  LOG in to the pórtal"),
        one("3", 24.1, "Cannot log in to the portal!"),
        one("4", 24.2, "Invoice for March"),
        one("5", 1, "Cannot log in to the portal", "c2"),
        one("6", 1, None),
        one("7", 1, None),
        one("8", 2, "Re: ?"),
        one("9", 2, "Re: ?"),
        {**one("10", 1, "Cannot log in to the portal"), "is_spam": True},
        {**one("11", 1, "Cannot log in to the portal"), "contact_id": None},
    )
    assert _pairs(mirror) == {("1", "2"), ("2", "3")}


def test_a_flood_of_one_contact_is_compared_with_the_twenty_before_only(mirror: Mirror) -> None:
    flood = [
        {
            **ticket(str(100 + n), 1),
            "contact_id": "c1",
            "subject": "Disk full",
            "created_time": _stamp(n / 60),
        }
        for n in range(60)
    ]
    _put(mirror, *flood)
    pairs = _pairs(mirror)
    assert len(pairs) == sum(min(n, 20) for n in range(60))
    assert ("100", "120") in pairs
    assert ("100", "121") not in pairs


def test_open_tickets_are_untouched_from_the_hour_on_and_zdsyncs_hand_does_not_count(
    mirror: Mirror,
) -> None:
    def one(id: str, hours: float, **more: Any) -> dict[str, Any]:
        known = {"status": "Open", "status_type": "Open", "created_time": _stamp(-900)}
        return {**ticket(id, 1), **known, "modified_time": _stamp(hours), **more}

    _put(
        mirror,
        one("1", -48.0),
        one("2", -47.9),
        one("3", -60, status="Closed", status_type="Closed"),
        one("4", -60, customer_response_time=_stamp(-2)),
        one("5", -60),
        one("6", -60),
        one("7", -70, is_spam=True),
        read=-2.5,
    )
    before, settled = _stamp(-60), at(0) + timedelta(hours=-3)
    _put(mirror, one("5", -3, priority="High"), one("6", -3, priority="High"), read=-2)
    mirror.wrote({"5": (before, settled), "6": (before, settled)})
    _put(mirror, one("6", -1, priority="Low"), read=-0.5)
    _put(mirror, one("9", 0), read=0)
    found = mirror.rows(Sql("select id, touched from untouched_48h order by id"))
    assert [row[0] for row in found] == ["1", "5"]
    assert f"{found[1][1]:%Y-%m-%d %H:%M:%S}" == before


def test_a_chain_of_own_writes_leads_back_to_the_last_foreign_hand(mirror: Mirror) -> None:
    def one(seconds: int) -> dict[str, Any]:
        return {**ticket("1", 1), "created_time": _stamp(-900), "modified_time": stamp(seconds)}

    def stamp(seconds: int) -> str:
        return f"{at(0) + timedelta(seconds=seconds):%Y-%m-%d %H:%M:%S}"

    def touched() -> str:
        (row,) = mirror.rows(Sql("select touched from zdsync.rule_tickets"))
        return f"{row[0]:%Y-%m-%d %H:%M:%S}"

    _put(mirror, one(0), read=0)
    for n in (10, 20):
        _put(mirror, one(n), read=n / 3600)
        mirror.wrote({"1": (stamp(n - 10), at(0) + timedelta(seconds=n))})
        assert touched() == stamp(0)
    mirror.wrote({"1": (stamp(20), at(0) + timedelta(seconds=30))})  # a tag: no new time is shown
    for seen, own in ((32, True), (33, False)):
        _put(mirror, one(seen), read=seen / 3600)
        assert touched() == (stamp(0) if own else stamp(seen))
