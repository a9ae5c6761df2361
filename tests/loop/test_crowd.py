"""A crowd edits at random while apply writes side by side; what each reading saw is on record.

Every call and every hand is noted under the sandbox's lock, so that their order is the true one.
"""

from __future__ import annotations

import re
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from tests.loop.portal import Portal, portal

PEOPLE = 3
EDITS = 60  # of each of them
FIELDS = {
    "priority": ("High", ("Low", "Medium")),
    "status": ("Escalated", ("On Hold", "Open", "In Progress")),
    "category": ("looked at", ("General", "Billing")),
}
RULES = "version: 1\nrules:\n" + "".join(
    f"  - {{id: {name}, mode: apply, when: {{subject: {{starts_with: crowd}}}},"
    f" then: [{{set: {{{name}: {wanted}}}}}]}}\n"
    for name, (wanted, _) in FIELDS.items()
)


@dataclass
class Crowd:
    """People who act whenever a call went through the door."""

    place: Portal
    tickets: list[str]
    log: dict[str, list[tuple[str, dict[str, Any]]]] = field(
        default_factory=lambda: defaultdict(list)
    )
    over: bool = False
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    def watch(self, inner: Any) -> Any:
        def observe(method: str, path: str, *rest: Any) -> None:
            inner(method, path, *rest)
            _, _, sent, status, answer = rest
            found = re.fullmatch(r".*/tickets/(\d+)", path)
            if found and status == 200:
                body = orjson.loads(answer if method == "GET" else sent)
                shown = {name: body[name] for name in FIELDS if name in body}
                self.log[found[1]].append(("read" if method == "GET" else "write", shown))
            self.turn.release()

        return observe

    def act(self, seed: int) -> None:
        """Be one of the crowd."""
        chance = Random(seed)
        for _ in range(EDITS):
            self.turn.acquire()
            if self.over:
                return
            ticket, name = chance.choice(self.tickets), chance.choice(list(FIELDS))
            value = chance.choice(FIELDS[name][1])
            with self.place.box.lock:
                self.place.box.edit(ticket, **{name: value})
                self.log[ticket].append(("hand", {name: value}))


@pytest.mark.parametrize("seed", [1, 2])
def test_promise_6_what_a_reading_shows_of_somebody_is_never_overwritten(
    seed: int, tmp_path: Path
) -> None:
    with portal(tmp_path, tickets=20) as place:
        start = {"priority": "Medium", "status": "Open", "category": "General"}
        tickets = [place.box.create(subject=f"crowd {n}", **start).id for n in range(60)]
        place.pull()
        place.rules(RULES)
        plan = place.app().plan()
        crowd = Crowd(place, tickets)
        place.box.api.observer = crowd.watch(place.box.api.observer)
        people = [threading.Thread(target=crowd.act, args=(seed * 10 + n,)) for n in range(PEOPLE)]
        for one in people:
            one.start()
        try:
            _, applied = place.app().apply(plan.plan_id, lambda plan: True)
        finally:
            crowd.over = True
            crowd.turn.release(PEOPLE)
        for one in people:
            one.join()
        assert applied is not None
        assert set(applied.outcomes) <= {"applied", "already", "stale", "unsent"}
        assert applied.outcomes["applied"]
        assert applied.outcomes["stale"], "nobody was in the way"
        for ticket, acts in crowd.log.items():
            _check(place, ticket, acts, start)


def _check(place: Portal, ticket: str, acts: list[tuple[str, Any]], start: dict[str, str]) -> None:
    """No write of a field that the reading before it showed changed; the last hand stands."""
    seen, now = dict(start), dict(start)
    for what, values in acts:
        if what == "read":
            seen = values
        if what == "write":
            assert {name: seen[name] for name in values} == {
                name: start[name] for name in values
            }, (ticket, acts)
        if what != "read":
            now |= values
    truth = place.box.state.tickets[ticket]
    assert now == {name: getattr(truth, name) for name in FIELDS}, (ticket, acts)
