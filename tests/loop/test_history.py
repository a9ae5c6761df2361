"""Who changed a ticket, when and from what to what: the mirror's table against the true events."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.connectors import Desk
from zdsync.model import Row
from zdsync.pull import Allowance
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Event
from zdsync.sandbox.remote.tickets import AUTOMATIONS

VARIANTS: dict[str, dict[str, Any]] = {
    "likely": {},
    "oldest-first": {"history_newest_first": False},
    "base-1": {"history_from_base": 1},
    "ids": {"history_values": "id", "ids_as_int": True},
    "names": {"history_values": "name", "history_newest_first": False, "history_from_base": 1},
    "no-actor": {"history_actor": False},
    "epoch": {"times": "epoch", "ids_as_int": True},
    "tags-bump": {"tags_bump_modified": True},
}
LABELS = {
    "Status": "status",
    "Priority": "priority",
    "Case Owner": "assignee_id",
    "Team": "team_id",
    "Department": "department_id",
}
WHO = {"Agent": "agent", "Contact": "customer", **dict.fromkeys(AUTOMATIONS, "automation")}
Change = tuple[str, Any, Any, datetime, str]  # field, before, after, when, who


class People:
    """Others at work in the portal, and what they truly did since a moment."""

    def __init__(self, place: Portal, clock: Ticking, seed: int) -> None:
        self.place, self.clock, self.random = place, clock, random.Random(seed)
        self.box = place.box
        self.known = {one.id: len(self._events(one.id)) for one in self.open()}
        self.ours: dict[str, set[str]] = defaultdict(set)

    def open(self) -> list[Any]:
        some = self.box.state.tickets.values()
        return [one for one in some if not (one.spam or one.trashed or one.archived)]

    def _events(self, ticket: str) -> list[Event]:
        return self.box.state.children.history(self.box.state.tickets[ticket])

    def work(self, times: int) -> None:
        """Edit some tickets, each several times, seconds or hours apart."""
        some = self.random.sample(sorted(self.known), 6)
        for _ in range(times):
            self.clock.sleep(self.random.choice((0, 0, 1, 30, 4000)))
            self._edit(self.random.choice(some))

    def _edit(self, ticket: str) -> None:
        state, choose = self.box.state, self.random.choice
        by = choose(("agent", "customer", "automation", choose(AUTOMATIONS)))
        place = state.tickets[ticket].department_id
        agents = [a.id for a in state.agents.values() if place in a.departments]
        teams = [team.id for team in state.teams.values() if team.department_id == place]
        what = choose(("status", "priority", "assignee_id", "team_id", "both"))
        values: dict[str, Any] = {
            "status": choose(("Open", "In Progress", "On Hold", "Escalated", "Closed")),
            "priority": choose(("High", "Medium", "Low", None)),
            "assignee_id": choose([*agents, None]),
            "team_id": choose([*teams, None]),
        }
        names = ("status", "assignee_id") if what == "both" else (what,)
        self.box.edit(ticket, by=by, **{name: values[name] for name in names})

    def truth(self, ticket: str) -> list[Change]:
        """What changed since the ticket was first seen, as the portal knows it."""
        found = []
        for event in self._events(ticket)[self.known[ticket] :]:
            at = datetime.fromtimestamp(event.at // 1000, UTC).replace(tzinfo=None)
            for label, _, before, after in event.info:
                if label in LABELS:
                    ends = [one["id"] if isinstance(one, dict) else one for one in (before, after)]
                    found.append((LABELS[label], *ends, at, WHO[event.actor.type]))
        return found


def _kept(place: Portal) -> dict[str, list[Change]]:
    rows = place.rows(
        "SELECT ticket_id, field, before, after, changed_at, actor FROM zdsync.ticket_changes "
        "WHERE field NOT LIKE 'tag:%' ORDER BY changed_at, seq"
    )
    found: dict[str, list[Change]] = defaultdict(list)
    for ticket, *change in rows:
        found[ticket].append(tuple(change))  # type: ignore[arg-type]  # five columns
    return found


def _read_history(place: Portal, credits: float = 1000) -> int:
    app = place.app()
    with app.place.run("run") as run:
        return app.place.past(run).read(Allowance(credits))


def _order(changes: list[Change]) -> dict[str, list[Change]]:
    by_field: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        by_field[change[0]].append(change)
    return by_field


@pytest.mark.parametrize("name", VARIANTS)
def test_the_table_tells_what_truly_happened(name: str, tmp_path: Path) -> None:
    clock = Ticking()
    options = VARIANTS[name]
    with portal(tmp_path, tickets=40, variant=Variant(**options), now=clock.now) as place:
        place.clock = clock
        place.pull()
        people = People(place, clock, len(name))
        for turn in range(3):
            people.work(12)
            clock.sleep(300)
            place.pull()
            if turn != 1:
                _read_history(place)
                clock.sleep(60)
        kept = _kept(place)
        assert kept
        read = dict(place.rows("SELECT id, history_read_at FROM desk.tickets"))
        for ticket, changes in kept.items():
            true = people.truth(ticket)
            if options.get("history_actor") is False:
                true = [(*change[:4], "unknown") for change in true]
            known = _order([c for c in true if c[3] <= read[ticket]])
            since = {field: some[0][3] for field, some in known.items()}
            assert _order([c for c in changes if c[0] in since and c[3] >= since[c[0]]]) == known
            # There and back between two pulls: nothing was seen, so nothing was asked.
            for later in _order([c for c in true if c[3] > read[ticket]]).values():
                assert later[0][1] == later[-1][2]
        once = place.rows("FROM zdsync.ticket_changes ORDER BY ALL")
        assert _read_history(place) == 0  # an idle day costs nothing
        place.pull(full=True)
        assert place.rows("FROM zdsync.ticket_changes ORDER BY ALL") == once


def _rows_of(place: Portal, ticket: str) -> dict[str, tuple[Any, ...]]:
    """The last change of each field of a ticket: after, actor."""
    rows = place.rows(
        "SELECT field, after, actor FROM zdsync.ticket_changes WHERE ticket_id = ? "
        "ORDER BY changed_at, seq",
        ticket,
    )
    return {field: tuple(rest) for field, *rest in rows}


_TO_OWNERS = """
version: 1
rules:
  - id: to-owners
    mode: apply
    when: {requester.is_agent: false, contact.owner: {known: true}}
    then: [{assign: {field: contact.owner}}]
"""


def test_what_zdsync_wrote_is_its_own_and_what_others_did_meanwhile_is_theirs(
    tmp_path: Path,
) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=120, now=clock.now) as place:
        place.clock = clock
        place.rules(_TO_OWNERS)
        place.pull()
        planned = place.app().plan()
        fields: dict[str, set[str]] = defaultdict(set)
        for change in planned.writes:
            fields[change.ticket_id].add(change.field)
        ticket = next(one for one, some in fields.items() if some == {"assignee"})
        before = place.box.state.tickets[ticket].priority
        wanted = next(one for one in ("High", "Medium", "Low") if one != before)
        clock.sleep(30)
        lost = (place.settings.private_dir / "mirror.duckdb").read_bytes()

        def meanwhile(desk: Desk, one: str, *args: Any, **kwargs: Any) -> Row:
            if one == ticket:  # between the reading and the write
                place.box.edit(ticket, by="customer", priority=wanted)
                clock.sleep(1)
            return written(desk, one, *args, **kwargs)

        written = Desk.patch_ticket
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Desk, "patch_ticket", meanwhile)
            applied = place.app().apply(planned.plan_id, lambda plan: True, destructive=True)[1]
        assert applied is not None
        assert not applied.stopped
        agent = place.box.state.tickets[ticket].assignee_id
        seen = _rows_of(place, ticket)
        assert seen["assignee_id"] == (agent, "zdsync")
        assert seen["priority"] == (wanted, "unknown")
        clock.sleep(60)
        place.pull()
        _read_history(place)
        told = {"assignee_id": (agent, "zdsync"), "priority": (wanted, "customer")}
        assert _rows_of(place, ticket).items() >= told.items()
        # The mirror as a crash before the answers were kept leaves it: only the journal knows.
        (place.settings.private_dir / "mirror.duckdb").write_bytes(lost)
        clock.sleep(60)
        place.pull()
        assert _rows_of(place, ticket)["assignee_id"] == (agent, "unknown")
        _read_history(place)
        assert _rows_of(place, ticket).items() >= told.items()


def test_the_backlog_is_what_the_ledger_says(tmp_path: Path) -> None:
    clock = Ticking()
    with portal(tmp_path, tickets=40, now=clock.now) as place:
        place.clock = clock
        place.pull()
        start = clock.at
        people = People(place, clock, 5)
        some = people.random.sample(sorted(people.known), 12)
        for _ in range(5):
            place.pull()  # else what follows may have happened the day before
            for ticket in some:
                clock.sleep(people.random.choice((1, 60)))
                status = people.random.choice(("Open", "On Hold", "Closed", "Closed"))
                place.box.edit(ticket, status=status)
            place.pull()
            clock.sleep(11 * 3600)
        rows = place.rows(
            "SELECT day, sum(closed), sum(reopened) FROM backlog_daily WHERE day > ? "
            "GROUP BY day HAVING bool_and(known) ORDER BY day",
            start.date(),
        )
        assert len(rows) == 2
        for day, closed, reopened in rows:
            moves = [
                (before == "Closed", after == "Closed")
                for ticket in some
                for field, before, after, when, _ in people.truth(ticket)
                if field == "status" and when.date() == day
            ]
            assert (closed, reopened) == (moves.count((False, True)), moves.count((True, False)))
        there = people.open()
        now = [one for one in there if one.status_type != "Closed"]
        last = place.rows(
            "SELECT sum(open), sum(unassigned) FROM backlog_daily "
            "WHERE day = (SELECT max(day) FROM backlog_daily)"
        )
        assert last == [(len(now), sum(one.assignee_id is None for one in now))]
