"""A portal of a million tickets and the mirror of it, made without a million rows over HTTP.

Run as `python -m bench.world TICKETS`: serves a sandbox, says its credentials, then obeys one
JSON line at a time: {"grow": TIMES, "mirror": FILE} lays the whole history so often behind itself,
each time two years earlier, in the sandbox and in the mirror alike; {"edit": N} lets agents
change N tickets that lie all over the history, three seconds apart.
"""

from __future__ import annotations

import json
import sys
from copy import copy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from zdsync.clock import SystemClock
from zdsync.mirror import Mirror
from zdsync.sandbox import Sandbox, Variant
from zdsync.sql import Sql

STEP = 1_000_000  # between the ids of a ticket and of its copy
BACK = timedelta(days=731)
_TIMES = ("created", "modified", "due", "response_due", "customer_response", "closed", "onhold")
_COLUMNS = (
    *("created_time", "modified_time", "due_date", "response_due_date"),
    *("customer_response_time", "closed_time", "onhold_time", "status_since"),
)
# The stored version names the modified time; `seen` is text.
_COPY = """
insert into desk.tickets by name
select t.* replace (
    (id::bigint + n * $1)::varchar as id,
    (ticket_number::bigint + n * $1)::varchar as ticket_number,
    replace(web_url, id, (id::bigint + n * $1)::varchar) as web_url,
    {times},
    status_type <> 'Closed' and due_date is not null as is_over_due,
    replace(seen, strftime(modified_time, '%Y-%m-%d %H:%M:%S'),
        strftime(modified_time - to_days(n * $2), '%Y-%m-%d %H:%M:%S')) as seen)
from desk.tickets t, (select unnest(range(1, $3))::integer as n) where presence = 'live'
"""


class World:
    """The sandbox, and a clock of it that can be set back for an edit."""

    def __init__(self, tickets: int) -> None:
        # The seeded history ends at a full hour; a pull just after it would read its end again.
        self.back = timedelta(hours=2)
        self.box = Sandbox(
            tickets,
            variant=Variant(edition="enterprise"),
            now=lambda: datetime.now(UTC) - self.back,
        )
        self.back = timedelta()

    def grow(self, times: int, mirror: Path) -> int:
        """Copy every live ticket on both sides; returns how many the sandbox has then."""
        state = self.box.state
        live = [t for t in state.tickets.values() if state.searchable(t)]
        with self.box.lock:
            for n in range(1, times):
                for ticket in live:
                    older = copy(ticket)
                    older.id = str(int(ticket.id) + n * STEP)
                    older.number += n * STEP
                    for name in _TIMES:
                        at = getattr(ticket, name)
                        if at is not None:
                            setattr(older, name, at - n * BACK // timedelta(milliseconds=1))
                    state.tickets[older.id] = older
            state.version += 1
            state.load()
        shifted = ", ".join(f"{c} - to_days(n * $2) as {c}" for c in _COLUMNS)
        with Mirror.open(mirror, memory="1GB", options={}, clock=SystemClock()) as opened:
            opened.run(Sql(_COPY.format(times=shifted), (STEP, BACK.days, times)))
        return len(state.tickets)

    def edit(self, many: int) -> int:
        """Change the priority of tickets all over the history."""
        state = self.box.state
        live = [t.id for t in state.tickets.values() if state.searchable(t)]
        for n, one in enumerate(live[:: len(live) // many][:many]):
            self.back = timedelta(seconds=3 * (many - n))
            high = state.tickets[one].priority == "High"
            self.box.edit(one, priority="Low" if high else "High")
        self.back = timedelta()
        return many


def main() -> None:
    world = World(int(sys.argv[1]))
    with world.box.serve() as creds:
        _say(creds)
        for line in sys.stdin:
            asked: dict[str, Any] = json.loads(line)
            if "grow" in asked:
                _say(world.grow(asked["grow"], Path(asked["mirror"])))
            else:
                _say(world.edit(asked["edit"]))


def _say(what: object) -> None:
    print(json.dumps(what), flush=True)


if __name__ == "__main__":
    main()
