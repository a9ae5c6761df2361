"""Which fields of which tickets no rule may change, as the decision asks it.

Promises one query for all tickets that are asked for, and that nothing of a hold is taken apart
before somebody wants to know. What holds is said by zdsync.holds (mirror/views/holds.sql). Must
not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from zdsync.changes.store import Queries, query, texts
from zdsync.changes.wire import is_speech
from zdsync.mirror import held_fields
from zdsync.rules.compiled import CompiledRule
from zdsync.sql import Sql

FLIPPED = "flipped"
_FIELD, _HOLD = "\x1f", "\x1e"
_ASKED = """
SELECT ticket_id, string_agg(concat_ws(chr(31), field, reason, coalesce(actor, ''),
    strftime(held_at, '%Y-%m-%d %H:%M')), chr(30) ORDER BY field) FROM (
"""
_WHO = {"agent": "an agent", "customer": "the customer", "automation": "an automation"}


@dataclass(frozen=True, slots=True)
class Hold:
    """One field that is held; `since` is UTC, to the minute."""

    field: str
    reason: str
    actor: str
    since: str

    @property
    def told(self) -> str:
        """Say why in a few words."""
        match self.reason:
            case "given":
                return f"{_WHO.get(self.actor, 'somebody')} gave it, {self.since} UTC"
            case "reversed":
                return f"what zdsync set at {self.since} UTC was replaced"
            case "undone":
                return f"undone with zdsync undo, {self.since} UTC"
        return f"changed more than 3 times in 24 hours, {self.since} UTC: until zdsync release"


@dataclass(frozen=True, slots=True)
class Holds:
    """The holds of some tickets, as texts by ticket id."""

    texts: Mapping[str, str] = field(default_factory=dict)

    def of(self, ticket_id: str) -> tuple[Hold, ...]:
        """List what is held of a ticket."""
        text = self.texts.get(ticket_id)
        return tuple(Hold(*one.split(_FIELD)) for one in text.split(_HOLD)) if text else ()

    def on(self, ticket_id: str, name: str, rule: CompiledRule | None = None) -> Hold | None:
        """Find what keeps a rule from a field; one that reasserts minds a loop only."""
        if ticket_id not in self.texts or is_speech(name):
            return None
        spelt = name.lower()
        found = next((one for one in self.of(ticket_id) if one.field == spelt), None)
        if found is not None and rule is not None and rule.reassert and found.reason != FLIPPED:
            return None
        return found


NOTHING_HELD = Holds()


@dataclass(slots=True)
class HoldReader:
    """Reads the holds of tickets as they are asked for, each once."""

    mirror: Queries
    _asked: set[str] = field(default_factory=set)
    _texts: dict[str, str] = field(default_factory=dict)

    def of(self, tickets: Iterable[str]) -> Holds:
        """The holds of these tickets, and of those that were asked for before."""
        missing = set(tickets) - self._asked
        if missing:
            self._texts.update(read_holds(self.mirror, missing).texts)
            self._asked |= missing
        return Holds(self._texts)


def read_holds(mirror: Queries, tickets: Iterable[str]) -> Holds:
    """Read the holds of tickets by id, closed ones too."""
    ids = texts(tickets)
    wanted = Sql(f"CREATE OR REPLACE TEMP TABLE hold_tickets (id) AS {ids.text}", ids.params)
    mirror.run(wanted)
    core = held_fields("SELECT id FROM hold_tickets")
    found = dict(mirror.rows(query(_ASKED, core, ") GROUP BY ticket_id")))
    mirror.run(Sql("DROP TABLE hold_tickets"))
    return Holds(found)
