"""A portal in which people are at work, and what the mirror must come to afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zdsync.app import App
from zdsync.pull import Comparison
from zdsync.sandbox import Sandbox, Variant
from zdsync.sandbox.records import Ticket
from zdsync.settings import Settings
from zdsync.sql import Sql


class Ticking:
    """A clock that both sides share; every look at it takes a millisecond."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class World:
    """One portal and its mirror, under one clock."""

    box: Sandbox
    settings: Settings
    clock: Ticking
    emptied: set[str] = field(default_factory=set)

    def app(self) -> App:
        return App(self.settings, clock=self.clock)

    def pull(self) -> None:
        for outcome in self.app().pull():
            assert outcome.error is None, (outcome.stream, outcome.error)

    def reconcile(self, *names: str, accept: bool = True) -> dict[str, Comparison]:
        found = self.app().reconcile(names, accept_deletes=accept)
        return {one.stream: one for one in found}

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        with self.app().place.work("test") as mirror:
            return mirror.rows(Sql(query, params))

    def pick(self, number: int, **flags: bool) -> Ticket | None:
        """Any ticket whose flags are as asked."""
        some = [
            one
            for one in self.box.state.tickets.values()
            if all(bool(getattr(one, name)) is wanted for name, wanted in flags.items())
        ]
        return some[number % len(some)] if some else None

    def differences(self) -> list[object]:
        """Where the mirror is not as the portal is."""
        state = self.box.state
        columns = "subject, status, priority, assignee_id, department_id, category, presence"
        held = {row[0]: row[1:] for row in self.rows(f"SELECT id, {columns} FROM desk.tickets")}
        truth = {one.id: _row(one) for one in state.tickets.values()}
        found: list[object] = [
            (one, row, truth.get(one))
            for one, row in held.items()
            if row != truth.get(one) and (one in truth or row[-1] != "gone")
        ]
        found += [one for one, row in truth.items() if row[-1] == "live" and one not in held]
        for name, store in (("contacts", state.contacts), ("accounts", state.accounts)):
            rows = self.rows(f"SELECT id, presence FROM desk.{name}")
            there = {one for one, presence in rows if presence not in ("gone", "trashed")}
            wanted = {one.id for one in store.values() if one.trashed is None}
            found += [(name, one) for one in there ^ wanted]
            known = {one for one, presence in rows if presence == "trashed"}
            binned = {one.id for one in store.values() if one.trashed is not None}
            found += [(name, "trashed", one) for one in known - binned]
        return found


def _row(ticket: Ticket) -> tuple[object, ...]:
    words = ("trashed", ticket.trashed), ("spam", ticket.spam), ("archived", ticket.archived)
    presence = next((word for word, flag in words if flag), "live")
    return (
        ticket.subject,
        ticket.status,
        ticket.priority,
        ticket.assignee_id,
        ticket.department_id,
        ticket.category,
        presence,
    )


@contextmanager
def world(tmp_path: Path, *, tickets: int, variant: Variant | None = None) -> Iterator[World]:
    """Serve a sandbox under a clock of its own."""
    clock = Ticking()
    box = Sandbox(tickets=tickets, variant=variant, now=clock.now)
    with box.serve() as creds:
        given: dict[str, Any] = {**creds, "data_dir": tmp_path / "data"}
        yield World(box, Settings(**given), clock)
