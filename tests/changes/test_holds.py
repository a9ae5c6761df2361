"""Holds: what the mirror and the journal say of a ticket, and what is held of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count

import pytest

from tests.changes.handwork import Life, at, life, portal
from zdsync.mirror import Mirror

Steps = Callable[[Life], object]
ANA, BO, CY = "ana@x.example", "bo@x.example", "cy@x.example"

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    with portal(tmp_path_factory.mktemp("holds")) as opened:
        yield opened


def _many(*steps: Steps) -> Steps:
    def run(one: Life) -> None:
        for step in steps:
            step(one)

    return run


def sees(minute: float, **values: object) -> Steps:
    return lambda one: one.sees(minute, **values)


def writes(minute: float, field: str, after: object, **more: object) -> Steps:
    return lambda one: one.writes(minute, field, after, **more)


def tags(minute: float, *names: str) -> Steps:
    return lambda one: one.tags(minute, *names)


def releases(minute: float, field: str = "") -> Steps:
    return lambda one: one.releases(minute, field)


def told(minute: float, column: str, after: str, **more: object) -> Steps:
    return lambda one: one.told(minute, column, after, **more)


GIVEN: dict[str, tuple[Steps, dict[str, str]]] = {
    "nobody did anything": (sees(30), {}),
    "an assignee that a person gives": (sees(30, assignee=ANA), {"assignee": "given"}),
    "a team": (sees(30, team="Front"), {"team": "given"}),
    "a department": (sees(30, department="IT"), {"department": "given"}),
    "a priority": (sees(30, priority="High"), {"priority": "given"}),
    "a tag that a person adds": (tags(30, "Blue"), {"tag:blue": "given"}),
    "a tag that a person takes away": (
        _many(tags(5, "Blue"), tags(30)), {"tag:blue": "given"},
    ),
    "a status holds nothing": (sees(30, status="Waiting"), {}),
    "a category holds nothing": (sees(30, category="x"), {}),
    "a custom field holds nothing": (sees(30, cf={"cf_a": "x"}), {}),
    "within ten minutes of the creation Zoho's rules settle": (sees(9, assignee=ANA), {}),
    "ten minutes are enough": (sees(10, assignee=ANA), {"assignee": "given"}),
    "an emptied field": (_many(sees(20, assignee=ANA), sees(30, assignee=None)), {}),
    "a priority that Zoho shows as none": (
        _many(sees(20, priority="High"), sees(30, priority="-None-")), {},
    ),
    "emptied and given again": (
        _many(sees(20, assignee=ANA), sees(30, assignee=None), sees(40, assignee=BO)),
        {"assignee": "given"},
    ),
    "a move frees the assignee and the team": (
        _many(sees(20, assignee=ANA, team="Front", priority="Low"), sees(30, department="IT")),
        {"department": "given", "priority": "given"},
    ),
    "given with the move is not freed by it": (
        sees(30, department="IT", assignee=BO), {"department": "given", "assignee": "given"},
    ),
    "given after the move": (
        _many(sees(20, department="IT"), sees(30, assignee=BO)),
        {"department": "given", "assignee": "given"},
    ),
    "closing ends it": (
        _many(sees(20, assignee=ANA, priority="Low"), sees(30, status="Closed")), {},
    ),
    "another closed status ends it, too": (
        _many(sees(20, assignee=ANA), sees(30, status="Done")), {},
    ),
    "what is given with the close has ended": (sees(30, status="Closed", assignee=ANA), {}),
    "given after the close holds on": (
        _many(sees(20, status="Closed"), sees(30, priority="Low")), {"priority": "given"},
    ),
    "reopened, it has ended all the same": (
        _many(sees(20, assignee=ANA), sees(30, status="Closed"), sees(40, status="Open")), {},
    ),
    "from one closed status to another nothing closes": (
        _many(sees(20, status="Closed"), sees(30, priority="Low"), sees(40, status="Done")),
        {"priority": "given"},
    ),
    "zdsync's own close ends it, too": (
        _many(sees(20, assignee=ANA), writes(30, "status", "Closed")), {},
    ),
    "released, field by field": (
        _many(sees(20, assignee=ANA, priority="Low"), releases(30, "assignee")),
        {"priority": "given"},
    ),
    "released, all": (
        _many(sees(20, assignee=ANA, priority="Low"), tags(20, "b"), releases(30)), {},
    ),
    "given again after the release": (
        _many(sees(20, assignee=ANA), releases(30), sees(40, assignee=BO)),
        {"assignee": "given"},
    ),
    "a change that no pull had seen at the release": (
        _many(releases(30), lambda one: one.sees(25, read=35, assignee=ANA)),
        {"assignee": "given"},
    ),
    "a tag by any spelling is released": (
        _many(tags(30, "Blue"), releases(31, "tag:BLUE")), {},
    ),
    "History tells of a change before the first sight": (
        _many(told(-60, "priority", "Low"), sees(30, category="x")), {},
    ),
    "a tombstone": (
        _many(
            sees(20, assignee=ANA),
            lambda one: one.mirror.bury("desk.tickets", [one.id], at(30)),
        ), {},
    ),
}  # fmt: skip
OWN: dict[str, tuple[Steps, dict[str, str]]] = {
    "zdsync's own values": (
        _many(
            writes(20, "assignee", ANA), writes(20.1, "priority", "High"),
            writes(20.2, "tag:b", True), writes(20.3, "department", "IT"), sees(30),
            tags(30, "b"),
        ), {},
    ),
    "its answer never came to the mirror, a pull sees it": (
        _many(
            writes(20, "assignee", ANA, shown=False), writes(20.1, "priority", "Low", shown=False),
            sees(25),
        ), {},
    ),
    "its receipt never came": (
        _many(writes(20, "assignee", ANA, shown=False, outcome=None), sees(25)), {},
    ),
    "its outcome is unknown": (
        _many(writes(20, "department", "IT", shown=False, outcome="unknown"), sees(25)), {},
    ),
    "a tag whose outcome is unknown": (
        _many(writes(20, "tag:Blue", True, shown=False, outcome="unknown"), tags(25, "blue")), {},
    ),
    "after the crash a person was quicker than the pull": (
        _many(writes(20, "assignee", ANA, shown=False), sees(22, assignee=BO)),
        {"assignee": "given"},
    ),
    "it was refused, a person did it": (
        _many(writes(20, "assignee", ANA, outcome="rejected", lost=True), sees(22, assignee=ANA)),
        {"assignee": "given"},
    ),
    "a person took the value away and gave it back": (
        _many(writes(20, "assignee", ANA), sees(22, assignee=BO), sees(24, assignee=ANA)),
        {"assignee": "given"},
    ),
    "a person replaces it": (
        _many(writes(20, "assignee", ANA), sees(22, assignee=BO)), {"assignee": "given"},
    ),
    "replaced within the first ten minutes": (
        _many(writes(2, "assignee", ANA), sees(5, assignee=BO)), {"assignee": "given"},
    ),
    "a person empties it": (
        _many(writes(20, "assignee", ANA), sees(22, assignee=None)), {},
    ),
    "a rule overrides a person": (
        _many(sees(20, assignee=ANA), writes(30, "assignee", BO)), {},
    ),
    "its tag is taken away": (
        _many(writes(20, "tag:b", True), tags(30)), {"tag:b": "given"},
    ),
    "its move empties the assignee": (
        _many(
            sees(20, assignee=ANA),
            lambda one: one.put(assignee=None),
            writes(30, "department", "IT"),
        ), {},
    ),
}  # fmt: skip
REVERSED: dict[str, tuple[Steps, dict[str, str]]] = {
    "a status put back": (
        _many(writes(20, "status", "Closed"), sees(30, status="Open")), {"status": "reversed"},
    ),
    "a status put back, and on": (
        _many(
            writes(20, "status", "Closed"), sees(30, status="Open"), sees(40, status="Waiting"),
        ), {"status": "reversed"},
    ),
    "closed by a person since": (
        _many(
            writes(20, "status", "Closed"), sees(30, status="Open"), sees(40, status="Done"),
            sees(50, status="Open"),
        ), {},
    ),
    "closed to overrule a rule that reopened": (
        _many(writes(20, "status", "Open"), sees(30, status="Closed")), {"status": "reversed"},
    ),
    "its close was seen first by a pull": (
        _many(
            writes(20, "status", "Closed", shown=False), sees(21), sees(30, status="Open"),
        ), {"status": "reversed"},
    ),
    "a category replaced": (
        _many(writes(20, "category", "x"), sees(30, category="y")), {"category": "reversed"},
    ),
    "a category that stands": (_many(writes(20, "category", "x"), sees(30)), {}),
    "a category emptied": (_many(writes(20, "category", "x"), sees(30, category=None)), {}),
    "a custom field replaced": (
        _many(writes(20, "cf.cf_a", "x"), sees(30, cf={"cf_a": "y"})), {"cf.cf_a": "reversed"},
    ),
    "a custom field that Zoho writes in its own way": (
        _many(writes(20, "cf.cf_a", "5.00"), sees(30, cf={"cf_a": "5.0"})), {},
    ),
    "unmarked as spam": (
        _many(writes(20, "spam", True), sees(30, is_spam=False)), {"spam": "reversed"},
    ),
    "a due date replaced": (
        _many(
            writes(20, "due", "2026-03-09 09:00:00"), sees(30, due="2026-03-10 09:00:00"),
        ), {"due": "reversed"},
    ),
    "its answer has not come to the mirror": (
        _many(sees(10, category="y"), writes(20, "category", "x", lost=True)), {},
    ),
    "released": (
        _many(writes(20, "category", "x"), sees(30, category="y"), releases(40, "category")), {},
    ),
    "released, written and replaced again": (
        _many(
            writes(20, "category", "x"), sees(30, category="y"), releases(40),
            writes(50, "category", "x"), sees(60, category="z"),
        ), {"category": "reversed"},
    ),
    "ended by a close": (
        _many(writes(20, "category", "x"), sees(30, category="y"), sees(40, status="Closed")), {},
    ),
    "without an answer, and a third value stands": (
        _many(
            sees(10, category="w"),
            writes(20, "category", "x", before="w", outcome="unknown", lost=True),
            sees(30, category="y"),
        ), {"category": "reversed"},
    ),
    "without an answer, and the old value stands": (
        _many(
            sees(10, category="w"),
            writes(20, "category", "x", before="w", outcome="unknown", lost=True),
            sees(30, category="w", priority="-None-"),
        ), {},
    ),
    "put back before any pull saw it, as its History told": (
        _many(
            sees(5, priority="Low"),
            writes(20, "priority", "High", before="Low", lost=True),
            sees(30, priority="Low", category="y"),
        ), {"priority": "reversed"},
    ),
}  # fmt: skip
UNDONE: dict[str, tuple[Steps, dict[str, str]]] = {
    "an undo": (
        _many(writes(20, "category", "x"), writes(30, "category", "y", rule="undo")),
        {"category": "undone"},
    ),
    "an undo that empties": (
        _many(writes(20, "assignee", ANA), writes(30, "assignee", None, before=ANA, rule="undo")),
        {"assignee": "undone"},
    ),
    "an undo that is no longer what was done last": (
        _many(
            writes(20, "assignee", ANA), writes(30, "assignee", BO, before=ANA, rule="undo"),
            writes(40, "assignee", CY, before=BO),
        ), {},
    ),
    "an undo that was refused": (
        _many(writes(30, "category", "y", rule="undo", outcome="rejected", lost=True)), {},
    ),
    "an undo of a close": (
        _many(writes(20, "status", "Closed"), writes(30, "status", "Open", rule="undo")),
        {"status": "undone"},
    ),
    "released": (
        _many(
            writes(20, "category", "x"), writes(30, "category", "y", rule="undo"), releases(31),
        ), {},
    ),
    "closed since": (
        _many(
            writes(20, "category", "x"), writes(30, "category", "y", rule="undo"),
            sees(40, status="Closed"),
        ), {},
    ),
}  # fmt: skip


def _swing(field: str, one: object, other: object, *, times: int, apart: float = 5) -> Steps:
    """zdsync sets `one`, a person `other`, again and again: `times` changes in all."""
    steps: list[Steps] = []
    for n in range(times):
        minute = 20 + n * apart
        ours = writes(minute, field, one, before=other)
        steps.append(sees(minute, **{field: other}) if n % 2 else ours)
    return _many(*steps)


LOOPS: dict[str, tuple[Steps, dict[str, str]]] = {
    "three changes are no loop": (_swing("assignee", ANA, None, times=3), {}),
    "four are": (_swing("assignee", ANA, None, times=4), {"assignee": "flipped"}),
    "four within days are not": (_swing("assignee", ANA, None, times=4, apart=600), {}),
    "a category that is emptied": (_swing("category", "x", None, times=4), {"category": "flipped"}),
    "two of our own rules": (
        _many(
            writes(20, "category", "x"), writes(25, "category", "y", before="x"),
            writes(30, "category", "x", before="y"), writes(35, "category", "y", before="x"),
        ), {"category": "flipped"},
    ),
    "three rules in turn, three changes": (
        _many(
            writes(20, "category", "x"), writes(25, "category", "y", before="x"),
            writes(30, "category", "z", before="y"),
        ), {},
    ),
    "people among themselves": (
        _many(*(sees(20 + n, priority=("Low", "High")[n % 2]) for n in range(6))),
        {"priority": "given"},
    ),
    "one write of ours, and people": (
        _many(
            writes(19, "category", "x"),
            *(sees(20 + n, category=("y", "z")[n % 2]) for n in range(6)),
        ), {"category": "reversed"},
    ),
    "a tag": (
        _many(
            writes(20, "tag:B", True, before=False), tags(25),
            writes(30, "tag:B", True, before=False), tags(35),
        ), {"tag:b": "flipped"},
    ),
    "it lasts": (
        _many(_swing("assignee", ANA, None, times=4), sees(9000, category="x")),
        {"assignee": "flipped"},
    ),
    "a close does not end it": (
        _many(_swing("assignee", ANA, None, times=4), sees(50, status="Closed")),
        {"assignee": "flipped"},
    ),
    "released": (
        _many(_swing("assignee", ANA, None, times=4), releases(60, "assignee")), {},
    ),
    "released, then one change more": (
        _many(
            _swing("assignee", ANA, None, times=4), releases(60),
            writes(61, "assignee", ANA), sees(62, assignee=None),
        ), {},
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("steps", "held"),
    [
        pytest.param(*case, id=f"{kind}: {name}")
        for kind, table in (
            ("given", GIVEN), ("own", OWN), ("reversed", REVERSED), ("undone", UNDONE),
            ("loops", LOOPS),
        )
        for name, case in table.items()
    ],
)  # fmt: skip
def test_what_is_held(steps: Steps, held: dict[str, str], mirror: Mirror) -> None:
    one = life(mirror, str(next(_NUMBERS)))
    steps(one)
    assert one.holds() == held
