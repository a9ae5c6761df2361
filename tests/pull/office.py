"""A portal at work and a zdsync that may be killed at any call or commit, in one process.

Owns the doors between them: every answer is noted (`Served`), every call and every commit may be
the last one of a process. What the mirror must hold in the end is told by `truth`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import responses

from tests.pull.truth import Served, differences, records
from tests.pull.world import Ticking
from zdsync.app import App
from zdsync.errors import ZdsyncError
from zdsync.mirror import Mirror
from zdsync.mirror.database import Database
from zdsync.sandbox import Sandbox, Variant
from zdsync.sandbox.wire import Request, Response
from zdsync.settings import Settings
from zdsync.sql import Sql
from zdsync.streams import STREAMS

_RULES = """
version: 1
rules:
  - id: none
    mode: "off"
    when: {status: Closed}
    set: {priority: High}
"""
_OF_DESK = {spec.module: spec.name for spec in STREAMS if spec.system == "desk"}
_OF_CRM = {spec.module: spec.name for spec in STREAMS if spec.system == "crm"}


class Killed(BaseException):
    """The process ended here; nothing after it may reach the portal or the file."""


@dataclass
class Fate:
    """Counts calls and commits; at the chosen one the process is dead, and stays so."""

    left: int | None = None
    dead: bool = False

    def strike(self) -> None:
        if self.left is not None:
            self.left -= 1
            self.dead = self.dead or self.left < 0
        if self.dead:
            raise Killed


@dataclass
class Office:
    """One portal, one data directory, and the process that works on it."""

    box: Sandbox
    settings: Settings
    clock: Ticking
    served: Served = field(default_factory=Served)
    fate: Fate = field(default_factory=Fate)
    tamper: dict[str, Callable[[list[Any]], list[Any]]] = field(default_factory=dict)
    bodies: Callable[[dict[str, Any]], None] | None = None
    _app: App | None = None

    @property
    def app(self) -> App:
        """The present process; a new one after a kill."""
        if self._app is None:
            self._app = App(self.settings, clock=self.clock)
        return self._app

    def restart(self) -> None:
        """End the process in order."""
        if self._app is not None and "zoho" in self._app.place.__dict__:
            self._app.place.zoho.connection.close()
        self._app = None

    def run(self, work: Callable[[App], Any], events: int | None = None) -> Any:
        """Let the process work; with `events`, kill it after so many calls and commits.

        Returns what the work returned, an error that a person would be told, or Killed.
        """
        self.fate.left, self.fate.dead = events, False
        try:
            return work(self.app)
        except ZdsyncError as error:
            return error
        except Killed as killed:
            self.restart()
            return killed
        finally:
            self.fate.left, self.fate.dead = None, False

    def quiet(self) -> list[Any]:
        """A quiet pull and reconcile; raises what went wrong. Hidden records are read in turns."""
        self.box.faults.profile = "none"
        self.clock.sleep(2 * 3600)
        self.served.look(self.box)
        self._sure(self.run(lambda app: app.pull(accept_deletes=True)))
        self.served.look(self.box)
        assert not self.unread(), self.unread()[:8]
        done = self._sure(self.run(lambda app: app.reconcile(accept_deletes=True)))
        for _ in range(self._hidden() // 10):
            self._sure(self.run(lambda app: app.reconcile(["desk.tickets"], accept_deletes=True)))
        self.served.look(self.box)
        return done

    def unread(self) -> list[tuple[Any, ...]]:
        """What a pull alone must have seen: all that is shown and whose presence is right."""
        found = self.differences()
        elsewhere = {one[:2] for one in found if one[2] in ("presence", "deleted_at")}
        for stream in {one[0] for one in found}:
            hidden = (one for one, record in records(self.box, stream).items() if not record.shown)
            elsewhere |= {(stream, one) for one in hidden}
        return [one for one in found if one[:2] not in elsewhere]

    def _sure(self, outcomes: Any) -> list[Any]:
        assert isinstance(outcomes, list), outcomes
        assert not [one for one in outcomes if one.error], [
            (one.stream, one.error, one.error.hint) for one in outcomes if one.error
        ]
        return outcomes

    def _hidden(self) -> int:
        tickets = self.box.state.tickets.values()
        return sum(not self.box.state.searchable(one) for one in tickets)

    def differences(self, mirror: Mirror | None = None) -> list[tuple[Any, ...]]:
        """Where the mirror breaks the law."""
        if mirror is None:
            with self.app.place.work("test") as opened:
                return self.differences(opened)

        def rows_of(stream: str) -> list[dict[str, Any]]:
            names, rows = mirror.columns_and_rows(Sql(f"select * from {stream}"))
            return [dict(zip(names, row, strict=True)) for row in rows]

        return differences(self.box, self.served, rows_of)

    def rows(self, query: str, *params: object) -> list[tuple[Any, ...]]:
        with self.app.place.work("test") as mirror:
            return mirror.rows(Sql(query, params))


@contextmanager
def office(
    folder: Path, *, tickets: int, variant: Variant | None = None, seed: int = 7, **options: Any
) -> Iterator[Office]:
    """Open a portal behind the `responses` door, under one clock."""
    clock = Ticking()
    box = Sandbox(tickets, seed, variant, now=clock.now, sleep=clock.sleep, **options)
    rules = folder / "rules.yaml"
    rules.write_text(_RULES, encoding="utf-8")
    with responses.RequestsMock() as wire:
        given: dict[str, Any] = {**box.register(wire), "data_dir": folder / "data", "rules": rules}
        place = Office(box, Settings(**given), clock)
        _watch(place, wire)
        with (
            mock.patch.object(Database, "columns_and_rows", _mortal(place)),
            mock.patch("zdsync.mirror.mirror.publishing.publish_open", lambda *a, **k: False),
        ):
            place.served.look(box)
            yield place
            place.restart()


def _mortal(place: Office) -> Callable[..., Any]:
    """Every commit may be the last act, before or after it took effect."""
    run = Database.columns_and_rows

    def columns_and_rows(self: Database, sql: Sql) -> Any:
        if place.fate.dead:
            raise Killed
        if sql.text != "commit":
            return run(self, sql)
        place.fate.strike()
        done = run(self, sql)
        place.fate.strike()
        return done

    return columns_and_rows


def _watch(place: Office, wire: responses.RequestsMock) -> None:
    api = place.box.api
    inner = api.handle

    def handle(
        request: Request, base: str, wait: Callable[[float], None] | None = None
    ) -> Response:
        place.fate.strike()
        answer = inner(request, base, wait)
        wire.calls.reset()
        stream = _stream_of(request)
        if stream and answer.status == 200 and answer.body[:1] == b"{":
            body = json.loads(answer.body)
            key = next((k for k in ("data", "users", "teams", "fields") if k in body), None)
            if stream in place.tamper and key:
                body[key] = place.tamper[stream](body[key])
            if place.bodies:
                place.bodies(body)
            if place.bodies or stream in place.tamper:
                answer.body = json.dumps(body).encode()
            for row in body[key] if key else [body]:
                if isinstance(row, dict) and row.get("id"):
                    place.served.note(stream, _named(row, request))
        return answer

    api.handle = handle  # type: ignore[method-assign]  # the door of this test


def _named(row: dict[str, Any], request: Request) -> dict[str, Any]:
    """A field under the id of ours; any other record as it is."""
    name = row.get("apiName") or row.get("api_name")
    if "module" not in request.query or not name:
        return row
    (module,) = request.query["module"]
    row = {"pickListValues": row.get("allowedValues"), **row} if "allowedValues" in row else row
    zoho = "fieldId" if "apiName" in row else "field_id"
    return {**row, zoho: row["id"], "id": f"{module}.{name}", "module": module}


def _stream_of(request: Request) -> str | None:
    """The stream whose records an answer to this call holds."""
    crm = request.path.startswith("/crm/v8/")
    path = re.sub(r"^/(crm/v8|api/v1)/", "", request.path).split("/")
    head = {"settings": "settings/fields", "organizationFields": "fields"}.get(path[0], path[0])
    if request.method != "GET" or path[-1] == "deleted" or len(path) > 2:
        return None
    return (_OF_CRM if crm else _OF_DESK).get(head)
