"""History is read whole and in order, whatever its base and row order; who is never guessed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from zdsync.connectors.history import CREDITS, History
from zdsync.model import Told
from zdsync.transport import Answer, Api

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def moved(number: int, seconds: int, **more: Any) -> dict[str, Any]:
    value = {"previousValue": f"s{number}", "updatedValue": f"s{number + 1}"}
    return _event("TicketUpdated", seconds, [_property("Status", value)], **more)


def _event(name: str, seconds: int, info: Any, **more: Any) -> dict[str, Any]:
    when = (NOON + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    actor = {"id": "7", "name": "Ana", "type": "Agent"}
    return {"eventName": name, "eventTime": when, "eventInfo": info, "actor": actor, **more}


def _property(name: str, value: Any) -> dict[str, Any]:
    return {"propertyName": name, "propertyType": "ValueTransition", "propertyValue": value}


class FakeApi:
    """Answers one ticket's History; `grow` adds an event after each page."""

    def __init__(self, rows: Sequence[Any], *, base: int, newest: bool, grow: bool = False) -> None:
        self.rows, self.base, self.newest, self.grow = list(rows), base, newest, grow
        self.asked: list[dict[str, Any]] = []

    def get(self, path: str, params: Mapping[str, Any], *, stream: str) -> Answer:
        assert path == "/tickets/1/History"
        self.asked.append(dict(params))
        start = max(0, int(params["from"]) - self.base) if "from" in params else 0
        rows = self.rows[::-1] if self.newest else self.rows
        found = rows[start : start + int(params["limit"])]
        if self.grow:
            self.rows.append(moved(len(self.rows), 10 * len(self.rows)))
        return Answer(200 if found else 204, {"data": found} if found else None, 3.0, {})


def read(api: FakeApi, since: datetime = LONG_AGO, credits: float = 1000) -> list[Told] | None:
    left = [credits]

    def pay(price: float) -> bool:
        left[0] -= price
        return left[0] >= 0

    return History(cast(Api, api)).of("1", since, pay)


@pytest.mark.parametrize("rows", [0, 1, 49, 50, 51, 100, 101, 237])
@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("newest", [False, True])
@pytest.mark.parametrize("apart", [0, 1, 7])
def test_every_event_comes_once_and_in_order(
    rows: int, base: int, newest: bool, apart: int
) -> None:
    api = FakeApi([moved(n, n // 3 * apart) for n in range(rows)], base=base, newest=newest)
    told = read(api)
    assert told is not None
    assert [(one.before, one.after) for one in told] == [
        (f"s{n}", f"s{n + 1}") for n in range(rows)
    ]
    assert all(asked["limit"] == 50 for asked in api.asked)


def test_events_that_come_while_pages_are_read_tear_nothing() -> None:
    api = FakeApi([moved(n, 10 * n) for n in range(120)], base=1, newest=True, grow=True)
    told = read(api)
    assert told is not None
    assert [one.before for one in told] == [f"s{n}" for n in range(120)]


def test_it_is_read_back_only_as_far_as_is_needed() -> None:
    rows = [moved(n, 60 * n) for n in range(400)]
    api = FakeApi(rows, base=0, newest=True)
    told = read(api, since=NOON + timedelta(seconds=60 * 370))
    assert told is not None
    assert len(api.asked) == 1
    assert told[0].at <= NOON + timedelta(seconds=60 * 370)
    assert told[-1].after == "s400"


def test_nothing_is_told_of_a_ticket_that_the_allowance_is_too_small_for() -> None:
    api = FakeApi([moved(n, n) for n in range(60)], base=0, newest=True)
    assert read(api, credits=CREDITS) is None
    assert len(api.asked) == 1


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        *(("Agent", "agent"), ("Contact", "customer"), ("Workflow", "automation")),
        *(("SLA", "automation"), ("Blueprint", "automation"), ("Macro", "automation")),
        *(("System", "automation"), ("RoundRobinAssignment", "automation")),
        *((None, "unknown"), ("Robot", "unknown"), ("agent", "unknown")),
    ],
)
def test_who_did_it_is_told_by_the_kind_of_actor_and_never_guessed(kind: Any, who: str) -> None:
    rows = [moved(0, 0, actor={"id": "7", "name": "Ana", "type": kind})]
    told = read(FakeApi(rows, base=0, newest=True))
    assert told is not None
    assert [one.actor for one in told] == [who]


@pytest.mark.parametrize("actor", [None, "Ana", {}, []])
def test_an_actor_that_is_left_out_is_unknown(actor: Any) -> None:
    told = read(FakeApi([moved(0, 0, actor=actor)], base=0, newest=True))
    assert told is not None
    assert [one.actor for one in told] == ["unknown"]


ANA, SAM = {"id": 7, "name": "Ana", "type": "Agent"}, {"id": "8", "name": "Sam", "type": "Agent"}


@pytest.mark.parametrize(
    ("name", "value", "change"),
    [
        ("Case Owner", {"previousValue": ANA, "updatedValue": SAM}, ("assignee_id", "7", "8")),
        ("assigneeId", {"previousValue": None, "updatedValue": 8}, ("assignee_id", None, "8")),
        ("Assignee", {"previousValue": "Unassigned", "updatedValue": "Sam"},
         ("assignee_id", None, "Sam")),
        ("Priority", {"previousValue": "-None-", "updatedValue": "High"},
         ("priority", None, "High")),
        ("status", {"updatedValue": {"id": "3", "name": "Closed"}, "previousValue": "Open"},
         ("status", "Open", "Closed")),
        ("Department", {"previousValue": {"id": "1"}, "updatedValue": {"id": "2"}},
         ("department_id", "1", "2")),
        ("Subject", {"previousValue": "a", "updatedValue": "b"}, None),
        ("Status", "Open", None),
        ("Status", ANA, None),
    ],
)  # fmt: skip
def test_values_are_read_in_each_form(name: str, value: Any, change: Any) -> None:
    told = read(
        FakeApi([_event("TicketUpdated", 0, [_property(name, value)])], base=0, newest=True)
    )
    assert told is not None
    assert [(one.field, one.before, one.after) for one in told] == ([change] if change else [])


@pytest.mark.parametrize(
    "value", [["a b", "c"], "a b, c", [{"id": "1", "name": "a b"}, {"name": "c"}],
              {"updatedValue": ["a b", "c"], "previousValue": None}],
)  # fmt: skip
@pytest.mark.parametrize(
    ("event", "ends"), [("TagsAdded", ("false", "true")), ("TagsRemoved", ("true", "false"))]
)
def test_tags_are_told_one_by_one(value: Any, event: str, ends: tuple[str, str]) -> None:
    told = read(FakeApi([_event(event, 0, [_property("Tags", value)])], base=0, newest=True))
    assert told is not None
    assert [(one.field, one.before, one.after) for one in told] == [
        ("tag:a b", *ends),
        ("tag:c", *ends),
    ]


@pytest.mark.parametrize("row", [{}, {"eventTime": None}, {"eventTime": "soon"}, {"eventInfo": 5}])
def test_an_event_that_makes_no_sense_is_passed_over(row: dict[str, Any]) -> None:
    rows = [moved(0, 0), {**moved(1, 1), **row}] if row else [{}]
    told = read(FakeApi(rows, base=0, newest=False))
    assert told is not None
    assert [one.after for one in told] == (["s1"] if row else [])
