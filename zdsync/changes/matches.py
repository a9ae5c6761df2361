"""What the decision sees: tickets as they stand, and the rows that each rule matched.

Data only; `evaluate` fills it from the mirror, `decide` reads it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from zdsync.model import Scalar
from zdsync.rules.compiled import Action, Assign, CompiledRule, Const, FieldChoice, SetField, Tags
from zdsync.sql import Sql


class Ticket(NamedTuple):
    """One ticket of the ground; `tags` are folded names, None where they were never read.

    `tags_current`: the ticket has not moved since its tags were read.
    `values` holds the fields that some rule sets, by their name in the language. `created` (naive
    UTC) is read only where some rule asks for the least busy agent.
    """

    id: str
    number: str
    department_id: str | None
    department: str | None
    assignee_id: str | None
    assignee: str | None
    team_id: str | None
    team: str | None
    status: str | None
    status_type: str | None
    tags: frozenset[str] | None
    tags_current: bool
    values: Mapping[str, Scalar]
    created: datetime | None = None

    @property
    def closed(self) -> bool:
        return self.status_type == "Closed"

    def tags_decide(self, add: Iterable[str], remove: Iterable[str]) -> bool:
        """Whether what is known of the tags is enough to add and remove these.

        An old reading is enough where they stand as wanted: nothing would be written.
        """
        have = self.tags
        if have is None or self.tags_current:
            return have is not None
        kept = all(name.casefold() in have for name in add)
        return kept and not any(name.casefold() in have for name in remove)


@dataclass(frozen=True, slots=True)
class Matches:
    """The tickets that one rule hits: rows of (ticket id, slots of each action in order)."""

    rule: CompiledRule
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Ground:
    """All that a decision needs: tickets by id, matches in the order of the rules.

    `open_of`: open tickets by agent id, for choosing the least busy one.
    """

    tickets: Mapping[str, Ticket]
    matches: Sequence[Matches]
    open_of: Mapping[str, int] = field(default_factory=dict)
    kept: bool = False  # asked by what was found in texts before (rows.py)

    @property
    def relation(self) -> str:
        """Where all columns of these tickets stand."""
        return "rule_whole" if self.kept else "rule_ground"


def slots(action: Action, *, kept: bool = False) -> tuple[Sql, ...]:
    """List the expressions whose values the decision needs of a matched ticket.

    `kept`: over `rule_rows`, where answers of taxonomies are kept.
    """
    match action:
        case Assign(choices):
            return tuple(one.value for one in choices if isinstance(one, FieldChoice))
        case SetField(value=Const()):
            return ()
        case SetField():
            return (action.decides, action.wanted)
        case Tags(taxonomy=taxonomy) if taxonomy is not None:
            return (taxonomy.kept if kept and taxonomy.kept else taxonomy.tags,)
        case _:
            return ()


def unstopped(ground: Ground) -> Iterator[Matches]:
    """Yield each rule's matches without the tickets for which a rule above ended the list."""
    stopped: set[str] = set()
    for some in ground.matches:
        rows = [row for row in some.rows if row[0] not in stopped] if stopped else some.rows
        yield Matches(some.rule, rows)
        if some.rule.stop and some.rule.mode == "apply":
            stopped.update(row[0] for row in rows)
