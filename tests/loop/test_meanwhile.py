"""People edit the very tickets that apply is writing: nothing older than the gap is lost.

Zoho has no If-Match. Each ticket of a story belongs to one case: a kind of change, a hand of
somebody else, and the moment of it, which the door of the sandbox knows exactly: between
plan and reading, between that reading and the write, or after the write took effect. All cases are
written by one `apply`, ticket by ticket.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.changes import Journal
from zdsync.changes.journal import Entry
from zdsync.connect import Zoho
from zdsync.sandbox import Sandbox
from zdsync.sandbox.records import Ticket

FRESH = 5.0  # seconds that a reading may be old when a write is sent (promise 6)
# What a rule does; one call writes each part of a kind's name, in this order.
KINDS = {
    "priority": ["set: {priority: High}"],
    "status": ["set: {status: Escalated}"],
    "category": ["set: {category: looked at}"],
    "assign": ["assign: ana.reyes@clinic.example"],
    "tag": ["tag: [looked-at]"],
    "untag": ["tag: {remove: [old]}"],
    "move": ["move: Trials"],
    "close": ["close: {outcome: Resolved}"],
    "spam": ["spam"],
    "tag-priority": ["tag: [looked-at]", "set: {priority: High}"],
    "tag-close": ["tag: [looked-at]", "close: {outcome: Resolved}"],
    "close-spam": ["close: {outcome: Spam}", "spam"],
    "move-assign": ["move: Trials", "assign: lena.vogel@clinic.example"],
}
# The hands that a part of a kind may undo, and one that it must leave alone.
NEAR = {
    "priority": ("priority", "category"),
    "status": ("status", "closes", "priority"),
    "category": ("category", "tags"),
    "assign": ("assignee", "department"),
    "tag": ("tags", "category"),
    "untag": ("tags", "priority"),
    "move": ("department", "assignee", "tags"),
    "close": ("status", "closes", "assignee"),
    "spam": ("status", "assignee", "tags"),
}
DESTRUCTIVE = ("move", "close", "spam")


@dataclass(frozen=True)
class Hand:
    """What somebody does to a ticket, and whether it stands."""

    act: Callable[[Sandbox, str], object]
    stands: Callable[[Ticket], bool]


def _agent(box: Sandbox, name: str) -> str:
    return next(one.id for one in box.state.agents.values() if one.email.startswith(name))


def _department(box: Sandbox, name: str) -> str:
    return next(one.id for one in box.state.departments.values() if one.name == name)


HANDS = {
    "priority": Hand(lambda box, t: box.edit(t, priority="Low"), lambda t: t.priority == "Low"),
    "status": Hand(lambda box, t: box.edit(t, status="On Hold"), lambda t: t.status == "On Hold"),
    "assignee": Hand(
        lambda box, t: box.edit(t, assigneeId=_agent(box, "bruno")),
        lambda t: t.assignee_id == "189200000000000007",
    ),
    "department": Hand(
        lambda box, t: box.edit(t, departmentId=_department(box, "Community")),
        lambda t: t.department_id == "189200000000000004",
    ),
    "category": Hand(lambda box, t: box.edit(t, category="mine"), lambda t: t.category == "mine"),
    "closes": Hand(
        lambda box, t: box.edit(t, status="Closed", cf={"cf_outcome": "No answer"}),
        lambda t: (t.status, (t.cf or {}).get("cf_outcome")) == ("Closed", "No answer"),
    ),
    "tags": Hand(
        lambda box, t: box.tag(t, add=("mine",), remove=("old",)),
        lambda t: "mine" in t.tags and "old" not in t.tags,
    ),
}


@dataclass(frozen=True)
class Case:
    """One ticket's story. `call`: which of the kind's calls; `late`: seconds that the network then
    holds that call, or its answer."""

    kind: str
    hand: str
    moment: str
    call: int = 0
    late: float = 0.0

    def __str__(self) -> str:
        held = f", held {self.late:g} s" if self.late else ""
        return f"{self.kind}: {self.hand} {self.moment} call {self.call}{held}"


def _cases() -> Iterator[Case]:
    for kind in KINDS:
        calls = kind.split("-")
        for hand in dict.fromkeys(one for part in calls for one in NEAR[part]):
            yield Case(kind, hand, "before")
            for number in range(len(calls)):
                yield Case(kind, hand, "between", number)
                yield Case(kind, hand, "after", number)
            if len(calls) > 1:  # so that what was read grows old
                yield Case(kind, hand, "after", 0, late=FRESH + 1)
            elif kind in DESTRUCTIVE:
                yield Case(kind, hand, "between", 0, late=FRESH + 1)


@dataclass
class Story:
    """What became of all cases: what went through the door, and what the journal says."""

    place: Portal
    case_of: dict[str, Case]
    log: dict[str, list[tuple[str, int]]] = field(default_factory=dict)  # read, sent, hand; ms
    entries: dict[str, list[Entry]] = field(default_factory=dict)

    def note(self, ticket: str, what: str) -> None:
        self.log.setdefault(ticket, []).append((what, self.place.box.at()))

    def acted(self, ticket: str) -> bool:
        return any(what == "hand" for what, _ in self.log.get(ticket, ()))

    def ticket(self, one: str) -> Ticket:
        return self.place.box.state.tickets[one]

    def stands(self, one: str) -> bool:
        return HANDS[self.case_of[one].hand].stands(self.ticket(one))

    def in_a_gap(self, one: str) -> bool:
        """Whether a write that followed the hand was sent before anybody could see it."""
        acts = [what for what, _ in self.log[one]]
        hand = acts.index("hand")
        held = self.case_of[one].moment == "between"
        return held or acts[hand + 1 : hand + 2] == ["sent"]

    def overwritten_by(self, one: str) -> str:
        """The part of the kind that was written right after the hand."""
        case = self.case_of[one]
        number = case.call + (case.moment == "after")
        return [*case.kind.split("-"), ""][number]


class Door:
    """The sandbox's door, at which somebody waits for the right call."""

    def __init__(self, story: Story, clock: Ticking) -> None:
        self.story = story
        self.clock = clock
        self.inner = story.place.box.api.handle
        story.place.box.api.handle = self.handle  # type: ignore[method-assign]  # for the story

    def leave(self) -> None:
        self.story.place.box.api.handle = self.inner  # type: ignore[method-assign]  # it is over

    def handle(self, request: Any, base: str, wait: Any = None) -> Any:
        ticket = self._ticket(request)
        case = self.story.case_of.get(ticket or "")
        if ticket is None or case is None:
            return self.inner(request, base, wait)
        if request.method == "GET":
            return self._read(request, base, wait, ticket)
        number = sum(what == "sent" for what, _ in self.story.log.get(ticket, ()))
        self.story.note(ticket, "sent")
        here = number == case.call
        if case.moment == "between" and here:
            self._act(ticket, case)
            self.clock.sleep(case.late)
        answer = self.inner(request, base, wait)
        if case.moment == "after" and here:
            self._act(ticket, case)
            self.clock.sleep(case.late)
        return answer

    def _read(self, request: Any, base: str, wait: Any, ticket: str) -> Any:
        if not request.path.endswith(f"/tickets/{ticket}"):
            return self.inner(request, base, wait)
        self.story.note(ticket, "read")
        return self.inner(request, base, wait)

    def before(self) -> None:
        """Let everybody act who does so between the plan and the readings."""
        for ticket, case in self.story.case_of.items():
            if case.moment == "before":
                self._act(ticket, case)
        self.clock.sleep(2)  # a reading may be at work in Zoho from the moment it is sent

    def _act(self, ticket: str, case: Case) -> None:
        if not self.story.acted(ticket):
            self.clock.sleep(1)
            HANDS[case.hand].act(self.story.place.box, ticket)
            self.story.note(ticket, "hand")
            self.clock.sleep(1)

    def _ticket(self, request: Any) -> str | None:
        if request.path.endswith("/markSpam"):
            return str(re.findall(rb"\d{10,}", request.body)[0].decode())
        found = re.search(r"/tickets/(\d+)", request.path)
        return found[1] if found else None


def _rules(kinds: Sequence[str]) -> str:
    lines = ["version: 1", "rules:"]
    for kind in kinds:
        lines += [
            f"  - id: {kind}",
            "    mode: apply",
            f"    when: {{subject: {{starts_with: 'case {kind} '}}}}",
            "    then:",
            *(f"      - {action}" for action in KINDS[kind]),
        ]
    return "\n".join(lines) + "\n"


def _told(place: Portal, clock: Ticking, cases: Sequence[Case]) -> Story:
    """Make a ticket for each case, plan, and apply while the hands are at work."""
    story = Story(place, {})
    for case in cases:
        made = place.box.create(
            subject=f"case {case.kind} {len(story.case_of)}",
            department_id=_department(place.box, "Support"),
            category="General",
            priority="Medium",
            assignee_id=_agent(place.box, "mateo"),
        )
        place.box.tag(made.id, add=("old",))
        story.case_of[made.id] = case
    clock.sleep(3600)
    place.pull()
    place.rules(_rules(list(KINDS)))
    plan = place.app().plan()
    door = Door(story, clock)
    door.before()
    _, applied = place.app().apply(plan.plan_id, lambda plan: True, destructive=True)
    door.leave()
    assert applied is not None
    assert applied.stopped is None
    for entry in Journal(place.settings.private_dir / "journal", clock).entries():
        story.entries.setdefault(entry.ticket_id, []).append(entry)
    return story


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    clock = Ticking()
    with (
        pytest.MonkeyPatch.context() as patch,
        portal(tmp_path_factory.mktemp("meanwhile"), tickets=20, now=clock.now) as place,
    ):
        patch.setattr(Zoho, "workers", lambda zoho: 1)  # the clock is one for all tickets
        place.clock = clock
        yield _told(place, clock, list(_cases()))


def test_every_hand_had_its_moment(story: Story) -> None:
    idle = [str(case) for one, case in story.case_of.items() if not story.acted(one)]
    assert not idle


def test_no_edit_older_than_the_gap_is_lost(story: Story) -> None:
    lost = [
        str(case)
        for one, case in story.case_of.items()
        if not story.stands(one) and not story.in_a_gap(one)
    ]
    assert not lost


def test_no_write_is_sent_on_a_reading_older_than_the_gap(story: Story) -> None:
    for one, case in story.case_of.items():
        read = 0
        for what, at in story.log[one]:
            read = at if what == "read" else read
            assert what != "sent" or at - read <= FRESH * 1000, str(case)


def test_a_field_that_somebody_changed_before_the_reading_is_not_written(story: Story) -> None:
    names = {"assignee": "assign", "department": "move", "closes": "close"}
    for one, case in story.case_of.items():
        if case.moment == "before" and case.kind == names.get(case.hand, case.hand):
            outcomes = {entry.outcome for entry in story.entries[one]}
            assert "stale" in outcomes, str(case)
            assert "applied" not in outcomes, str(case)
            assert "sent" not in dict(story.log[one]), str(case)


def test_every_lost_race_of_a_destructive_write_is_reported(story: Story) -> None:
    silent = [
        str(case)
        for one, case in story.case_of.items()
        if story.overwritten_by(one) in DESTRUCTIVE
        and story.in_a_gap(one)
        and not story.stands(one)
        and not any("lost race" in entry.error for entry in story.entries[one])
    ]
    assert not silent


def test_no_race_is_reported_that_was_none(story: Story) -> None:
    loud = [
        str(case)
        for one, case in story.case_of.items()
        if not story.in_a_gap(one)
        and any("lost race" in entry.error for entry in story.entries[one])
    ]
    assert not loud


def test_afterwards_the_mirror_shows_what_stands(story: Story) -> None:
    story.place.pull()
    held = story.place.rows("select id, priority, status, category from desk.tickets")
    for one, *shown in held:
        if one in story.case_of:
            ticket = story.ticket(one)
            assert shown == [ticket.priority, ticket.status, ticket.category], story.case_of[one]
