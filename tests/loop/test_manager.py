"""A manager who hands a ticket over is never overruled, whatever rules want and whatever breaks.

A model follows what people and zdsync set, as the sandbox's own log tells it, and says which
values are held (architecture.md section 6): assignee, team, department, priority and each tag that
somebody else gave, until the ticket closes, for assignee and team until it moves; of other fields
what replaced a value of zdsync's own. After every step each held value still stands.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.app import App
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket, WriteEntry

RULES = """
version: 1
limits:
  changes_per_tick: 10000
  changes_per_rule: 10000
  changes_per_day: 100000
  share_of_open_tickets: 100%
  destructive_per_tick: 10000
  destructive_per_day: 10000
rules:
  - id: to-trials
    mode: apply
    when: {department: [Support, Community]}
    then: [{move: Trials}]
  - id: to-lena
    mode: apply
    when: {department: Trials, none: [{subject: {starts_with: team}}]}
    then: [{assign: lena.vogel@clinic.example}]
  - id: to-ana
    mode: apply
    when: {department: Support, none: [{subject: {starts_with: team}}]}
    then: [{assign: ana.reyes@clinic.example}]
  - id: to-a-team
    mode: apply
    when: {subject: {starts_with: team}}
    then: [{assign: {team: TEAM}}]
  - id: high
    mode: apply
    when: {subject: {known: true}}
    then: [{set: {priority: High, category: looked at}}]
  - id: escalate
    mode: apply
    when: {status: [Open, On Hold, In Progress]}
    then: [{set: {status: Escalated}}]
  - id: tags
    mode: apply
    when: {subject: {known: true}}
    then: [{tag: {add: [looked-at], remove: [old]}}]
"""
GIVEN = ("assignee", "team", "department", "priority", "tag:looked-at", "tag:old")
OTHERS = ("status", "category")
KEYS = {"assignee": "assigneeId", "team": "teamId", "department": "departmentId"}
EVERY = 300  # seconds between ticks
PAUSES = (0, 1, 61, 3_700, 90_000)


def value(ticket: Ticket, name: str) -> Any:
    """What a ticket shows of a field."""
    if name.startswith("tag:"):
        return name[4:] in ticket.tags
    return getattr(ticket, {key: f"{key}_id" for key in KEYS}.get(name, name))


@dataclass
class Model:
    """Which values people gave that zdsync must leave alone."""

    place: Portal
    held: dict[tuple[str, str], Any] = field(default_factory=dict)
    own: dict[tuple[str, str], Any] = field(default_factory=dict)  # what zdsync wrote
    said: int = 0  # how much of the sandbox's log is known
    story: list[str] = field(default_factory=list)

    def ticket(self, one: str) -> Ticket:
        return self.place.box.state.tickets[one]

    def hand(self, one: str, by: str, **given: Any) -> None:
        """Somebody sets fields at once; tags by their name."""
        self.listen()
        self.story.append(f"{by} gives {one} {given}")
        tags = {name[4:]: on for name, on in given.items() if name.startswith("tag:")}
        fields = {KEYS.get(name, name): to for name, to in given.items() if name[:4] != "tag:"}
        if tags:
            add, remove = ([n for n, on in tags.items() if on is way] for way in (True, False))
            self.place.box.tag(one, add=add, remove=remove, by=by)
        if fields:
            self.place.box.edit(one, by=by, **fields)
        if "department" in given:
            self._free(one)
        for name, to in given.items():
            if name in GIVEN or self.own.get((one, name), to) != to:
                self.held[one, name] = to
            else:
                self.held.pop((one, name), None)  # of these only a reversal holds
        if self.ticket(one).status_type == "Closed":
            self._end(one)

    def listen(self) -> None:
        """Take in what zdsync wrote meanwhile; it took effect, whatever was answered."""
        for entry in self.place.box.writes[self.said :]:
            for name, to in _set_by(entry):
                one = str(entry.ticket_id)
                assert (one, name) not in self.held, f"{name} of {one} was overruled: {self.story}"
                self.own[one, name] = to
                if name == "department":
                    self._free(one)
        self.said = len(self.place.box.writes)

    def check(self, step: str) -> None:
        self.story.append(step)
        self.listen()
        for (one, name), to in self.held.items():
            assert value(self.ticket(one), name) == to, f"{name} of {one}: {self.story}"

    def _free(self, one: str) -> None:
        for name in ("assignee", "team"):
            self.held.pop((one, name), None)

    def _end(self, one: str) -> None:
        for name in (*GIVEN, *OTHERS):
            self.held.pop((one, name), None)
            self.own.pop((one, name), None)


def _set_by(entry: WriteEntry) -> Iterator[tuple[str, Any]]:
    """The fields that a call of zdsync's set."""
    body: dict[str, Any] = entry.body or {}
    if entry.path.endswith("/move"):
        yield "department", body["departmentId"]
    elif entry.path.endswith("ociateTag"):
        for tag in body["tags"]:
            yield f"tag:{tag}", entry.path.endswith("/associateTag")
    elif entry.method == "PATCH":
        names = {key: name for name, key in KEYS.items()}
        for key, to in body.items():
            yield names.get(key, key), to


@dataclass
class Office:
    """A portal with a manager in it, and a zdsync that may be started anew."""

    place: Portal
    clock: Ticking
    model: Model
    tickets: list[str]
    service: App | None = None

    def tick(self) -> None:
        self.clock.sleep(EVERY)
        self.service = self.service or self.place.app()
        self.service.tick()
        self.model.check("tick")

    def apply(self) -> None:
        self.clock.sleep(EVERY)
        self.place.pull()
        self.place.app().apply(None, lambda plan: True, destructive=True)
        self.model.check("apply")

    def restart(self) -> None:
        self.service = None
        self.model.story.append("restart")
        self.tick()

    def rebuild(self) -> None:
        self.service = None
        self.place.pull(full=True)
        self.model.story.append("pull --full")
        self.tick()

    def lose(self, kind: str, times: int = 2, calls: str = "(PATCH|POST) /api/v1/tickets/") -> None:
        """The next writes get no answer; they took effect, or not."""
        self.place.box.fail_next(calls, kind=kind, times=times)
        self.model.story.append(kind)
        self.tick()
        self.place.box.faults._planned.clear()

    @property
    def steps(self) -> list[Callable[[], None]]:
        return [
            self.tick,
            self.tick,
            self.apply,
            self.restart,
            self.rebuild,
            lambda: self.lose("reset_after"),
            lambda: self.lose("reset_before"),
        ]


@contextmanager
def office(tmp_path: Path, many: int, variant: Variant | None = None) -> Iterator[Office]:
    clock = Ticking()
    with portal(tmp_path, tickets=12, now=clock.now, variant=variant) as place:
        place.clock = clock
        state = place.box.state
        support = next(one.id for one in state.departments.values() if one.name == "Support")
        team = next(one.name for one in state.teams.values() if one.department_id == support)
        made = [
            place.box.create(
                subject=f"{'team' if n % 3 == 0 else 'hand'} {n}",
                department_id=support,
                priority="Medium",
                category="General",
            ).id
            for n in range(many)
        ]
        for one in made:
            place.box.tag(one, add=("old",))
        quiet = {"publish_every": timedelta(days=365), "crm": False}  # nobody looks at it here
        place.settings = place.settings.model_copy(update=quiet)
        clock.sleep(3600)
        place.pull()
        clock.sleep(3600)
        place.rules(RULES.replace("TEAM", team))
        yield Office(place, clock, Model(place), made)


def _agents(office: Office) -> list[str]:
    some = office.place.box.state.agents.values()
    return [one.id for one in some if one.status == "ACTIVE" and not one.email.startswith("integ")]


def _value(office: Office, chance: Random, one: str, name: str) -> Any:
    """Something else than what stands there; a name that ends in zdsync's own wish counts too."""
    state, now = office.place.box.state, value(office.model.ticket(one), name)
    if name.startswith("tag:"):
        return not now
    some = {
        "assignee": _agents(office),
        "team": list(state.teams),
        "department": list(state.departments),
        "priority": ["High", "Medium", "Low"],
        "status": ["Open", "On Hold", "In Progress", "Escalated"],
        "category": ["mine", "theirs"],
    }[name]
    return chance.choice([to for to in some if to != now])


def _some_hand(office: Office, chance: Random, one: str) -> dict[str, Any]:
    ticket = office.model.ticket(one)
    if ticket.status_type == "Closed":
        return {"status": "Open"}
    kind = chance.random()
    if kind < 0.05:
        return {"status": "Closed"}
    whole = ("department", "assignee", "team")  # hands it over
    names = whole if kind < 0.2 else (chance.choice(GIVEN + OTHERS),)
    return {name: _value(office, chance, one, name) for name in names}


def _one_hand_each(office: Office, names: Sequence[str]) -> dict[tuple[str, str], Any]:
    """Somebody sets one field of each ticket, these fields by turns; what is held then."""
    chance = Random(1)
    for number, one in enumerate(office.tickets):
        name = names[number % len(names)]
        office.model.hand(one, "agent", **{name: _value(office, chance, one, name)})
    wanted = dict(office.model.held)
    assert {name for _, name in wanted} == set(names)
    return wanted


def test_a_hand_on_any_field_stands_through_ticks_restart_and_rebuilding(tmp_path: Path) -> None:
    with office(tmp_path, 16) as at:
        at.apply()
        wanted = _one_hand_each(at, [*GIVEN, *OTHERS])
        for step in (at.tick, at.restart, at.rebuild, at.apply):
            step()
        assert at.model.held == wanted


@pytest.mark.parametrize(
    ("calls", "names"),
    [
        pytest.param("PATCH /api", GIVEN, id="given"),
        pytest.param("PATCH /api", OTHERS, id="other"),
        pytest.param("POST .*ociateTag", ("tag:looked-at", "tag:old"), id="tags"),
        pytest.param("POST .*/move", ("department",), id="move"),
    ],
)
@pytest.mark.parametrize("back", [False, True], ids=["on", "back"])
def test_a_hand_that_replaces_what_was_written_without_an_answer_stands(
    calls: str, names: Sequence[str], back: bool, tmp_path: Path
) -> None:
    """Also where it is put back to what it was: no pull ever saw zdsync's value then."""
    with office(tmp_path, 12) as at:
        before = {
            (one, name): value(at.model.ticket(one), name) for one in at.tickets for name in names
        }
        at.lose("reset_after", times=1_000, calls=calls)
        wanted = _put_back(at, before) if back else _one_hand_each(at, names)
        for step in (at.tick, at.rebuild):
            step()
        assert at.model.held == wanted


def _put_back(at: Office, before: dict[tuple[str, str], Any]) -> dict[tuple[str, str], Any]:
    """Somebody puts back what zdsync changed, one field a ticket; what is held then."""
    at.model.listen()
    for number, one in enumerate(at.tickets):
        names = [
            name
            for (ticket, name), was in before.items()
            if ticket == one and was not in (None, "", value(at.model.ticket(one), name))
        ]
        if names:
            name = names[number % len(names)]
            at.model.hand(one, "agent", **{name: before[one, name]})
    wanted = dict(at.model.held)
    assert {name for _, name in wanted}
    return wanted


SEEDS = range(int(os.environ.get("MANAGERS", "1")))


@pytest.mark.parametrize("seed", SEEDS)
def test_no_hand_is_overruled_in_a_long_story(seed: int, tmp_path: Path) -> None:
    chance = Random(seed)
    with office(tmp_path, 12) as at:
        for _ in range(8):
            for one in chance.sample(at.tickets, 4):
                by = chance.choice(("agent", "agent", "Workflow"))
                at.model.hand(one, by, **_some_hand(at, chance, one))
                at.clock.sleep(chance.choice((0, 0, 1, 20)))
            at.clock.sleep(chance.choice(PAUSES))
            chance.choice(at.steps)()
        assert at.model.held
        assert at.model.own
