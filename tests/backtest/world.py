"""A portal with planted work: what each rule would have met, and what people did then."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.loop.portal import Portal, portal
from tests.pull.world import Ticking
from zdsync.backtest import Backtest, Tried
from zdsync.hindsight import Asked
from zdsync.pull import Allowance
from zdsync.sandbox import Variant
from zdsync.sandbox.records import Ticket

HOUR, DAY = 3600, 86400


class World:
    """A portal under one clock, pulled once before anything happens in it."""

    def __init__(self, place: Portal, clock: Ticking) -> None:
        self.place, self.clock, self.box = place, clock, place.box
        place.clock = clock
        place.pull()

    def ticket(self, **fields: Any) -> Ticket:
        """A new ticket that the mirror sees a minute later."""
        made = self.box.create(**fields)
        self.wait(60)
        self.place.pull()
        return made

    def wait(self, seconds: float) -> None:
        self.clock.sleep(seconds)

    def edit(self, ticket: Ticket, by: str = "agent", **fields: Any) -> None:
        self.box.edit(ticket.id, by=by, **fields)

    def agents(self, ticket: Ticket) -> list[str]:
        """Ids of active agents of the ticket's department."""
        some = self.box.state.agents.values()
        found = [a for a in some if ticket.department_id in a.departments and a.status == "ACTIVE"]
        return [a.id for a in found]

    def mail(self, agent: str) -> str:
        return str(self.box.state.agents[agent].email)

    def learn(self) -> None:
        """Pull, and let History tell who did what."""
        self.wait(60)
        self.place.pull()
        app = self.place.app()
        with app.place.run("run") as run:
            app.place.past(run).read(Allowance(10_000))

    def back(self, rules: str, **asked: Any) -> Backtest:
        self.place.rules("version: 1\nrules:\n" + rules)
        return self.place.app().backtest(Asked(**asked))

    def tried(self, rule: str, **asked: Any) -> Tried:
        """The one rule that stands in the text."""
        (found,) = self.back(rule, **asked).tried
        return found


@contextmanager
def world(tmp_path: Path, tickets: int = 5, **variant: Any) -> Iterator[World]:
    clock = Ticking()
    with portal(tmp_path, tickets=tickets, now=clock.now, variant=Variant(**variant)) as place:
        yield World(place, clock)


def outcomes(tried: Tried) -> dict[str, str]:
    """Ticket → outcome."""
    return {one.decision.ticket_id: one.outcome for one in tried.seen}
