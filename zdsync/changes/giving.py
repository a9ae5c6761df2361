"""Who gets a ticket: what an `assign` asks for, and which of several is the least busy.

Pure. Promises: the least busy is chosen ticket by ticket in order of creation, whatever the order
of the rules, counting open tickets and all that any rule in mode apply gives in this tick; equal
counts go to the one named first in `among`, and to the lowest id in a team. A rule in mode plan
fills nobody's desk but in its own eyes. Must not decide which rule wins a ticket but by asking
`decide` for the department, nor write a change.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from zdsync.changes.holds import Hold
from zdsync.changes.matches import Ground, Matches, Ticket, slots
from zdsync.changes.resolve import Nothing, Resolver, shown_agent, stranger
from zdsync.model import Agent, Named
from zdsync.rules.compiled import (
    AgentChoice,
    AmongChoice,
    Assign,
    CompiledRule,
    FieldChoice,
    Nobody,
    TeamChoice,
)

Row = tuple[Any, ...]
Department = Callable[[CompiledRule, Ticket], str | None]
HeldBack = Callable[[CompiledRule, Ticket], Hold | None]


@dataclass(frozen=True, slots=True)
class Given:
    """One agent gets the ticket, or nobody."""

    agent: Agent | None


@dataclass(frozen=True, slots=True)
class Pool:
    """The least busy of these gets it; `team` is then the ticket's team."""

    agents: tuple[Agent, ...]
    team: Named | None = None


Wish = Given | Pool | Nothing


@dataclass(frozen=True, slots=True)
class Giving:
    """Reads the wishes of `assign`; `picked` holds what `choose` found for each open one."""

    ground: Ground
    resolver: Resolver
    department: Department
    held: HeldBack  # what keeps a rule from the assignee
    load: dict[str, int] = field(default_factory=dict)
    picked: dict[tuple[str, str], Agent] = field(default_factory=dict)

    def wish(self, rule: CompiledRule, action: Assign, ticket: Ticket, found: Row) -> Wish:
        """What the first choice that can be served comes to; Nothing with every reason."""
        department = self.department(rule, ticket)
        values = iter(found)
        reasons: list[str] = []
        for choice in action.choices:
            wish: Wish | Agent
            match choice:
                case Nobody():
                    return Given(None)
                case TeamChoice() | AmongChoice():
                    wish = self._kept(ticket, department) or self._pool(choice, department)
                case AgentChoice(name, known):
                    wish = self.resolver.agent(known.id if known else name, department)
                case FieldChoice(name):
                    value = next(values)
                    empty = Nothing(f"{name} is empty")
                    wish = self.resolver.owner(value, department) if value else empty
            if not isinstance(wish, Nothing):
                return Given(wish) if isinstance(wish, Agent) else wish
            reasons.append(wish.reason)
        return Nothing("; ".join(reasons))

    def pick(self, rule: CompiledRule, ticket: Ticket, pool: Pool) -> Agent:
        """Who of a pool gets the ticket; one who was never chosen for it is so by today's load."""
        return self.picked.get((rule.id, ticket.id)) or _least(pool, self.load)

    def choose(self, matches: Sequence[Matches], paused: frozenset[str]) -> None:
        """Fill `picked`: all that is fixed counts first, then the pools in order of creation.

        What a rule in `paused` gives does not count: it will not be written.
        """
        self.load.update(self.ground.open_of)
        taken: set[str] = set()
        open_: list[tuple[CompiledRule, Ticket, Pool]] = []
        shown: dict[str, list[tuple[CompiledRule, Ticket, Given | Pool]]] = defaultdict(list)
        for rule, ticket, wish in self._wishes(matches, taken):
            if rule.mode != "apply":
                shown[rule.id].append((rule, ticket, wish))
            elif isinstance(wish, Pool):
                open_.append((rule, ticket, wish))
            elif rule.id not in paused:
                _count(self.load, ticket, wish)
        self._serve(open_, self.load, paused)
        for some in shown.values():
            load = dict(self.load)
            for _, ticket, wish in some:
                if isinstance(wish, Given):
                    _count(load, ticket, wish)
            pools = [(rule, ticket, wish) for rule, ticket, wish in some if isinstance(wish, Pool)]
            self._serve(pools, load, frozenset())

    def _wishes(
        self, matches: Iterable[Matches], taken: set[str]
    ) -> Iterable[tuple[CompiledRule, Ticket, Given | Pool]]:
        """The wish of the first rule in mode apply for each ticket, and of rules in mode plan."""
        for some in matches:
            mine: set[str] = set()
            for action, row, cells in _assigns(some):
                ticket = self.ground.tickets[row[0]]
                if (
                    ticket.id in taken
                    or ticket.id in mine
                    or self.held(some.rule, ticket) is not None
                ):
                    continue
                wish = self.wish(some.rule, action, ticket, cells)
                if not isinstance(wish, Nothing):
                    mine.add(ticket.id)
                    yield some.rule, ticket, wish
            if some.rule.mode == "apply":
                taken |= mine

    def _serve(
        self,
        asks: Iterable[tuple[CompiledRule, Ticket, Pool]],
        load: dict[str, int],
        paused: frozenset[str],
    ) -> None:
        for rule, ticket, pool in sorted(asks, key=lambda ask: _age(ask[1])):
            agent = self.picked[rule.id, ticket.id] = _least(pool, load)
            if rule.id not in paused:
                load[agent.id] = load.get(agent.id, 0) + 1

    def _kept(self, ticket: Ticket, department: str | None) -> Given | None:
        """The present assignee, who stays: `among` and `team` fill an empty place only."""
        if not ticket.assignee_id:
            return None
        present = self.resolver.by_id(ticket.assignee_id)
        stays = department == ticket.department_id or (
            present is not None and department in present.departments
        )
        return Given(present or stranger(ticket.assignee_id)) if stays else None

    def _pool(self, choice: TeamChoice | AmongChoice, department: str | None) -> Pool | Nothing:
        if isinstance(choice, TeamChoice):
            team = self.resolver.team(choice.name, department)
            if isinstance(team, Nothing):
                return team
            members = self.resolver.team_agents(team, department)
            lacking = Nothing(f"{team.name} has no active agent of the ticket's department")
            return Pool(tuple(sorted(members, key=_by_id)), team) if members else lacking
        found = [
            self.resolver.agent(known.id if known else name, department)
            for name, known in choice.agents
        ]
        agents = {one.id: one for one in found if not isinstance(one, Nothing)}
        if agents:
            return Pool(tuple(agents.values()))
        return Nothing("; ".join(one.reason for one in found if isinstance(one, Nothing)))


def fills(rule: CompiledRule) -> bool:
    """Whether a rule asks for the least busy of several."""
    return any(
        isinstance(choice, TeamChoice | AmongChoice)
        for action in rule.actions
        if isinstance(action, Assign)
        for choice in action.choices
    )


def fits(pool: Pool, shown: object) -> bool:
    """Whether somebody of a pool has the ticket already, as the language writes an agent."""
    return any(shown_agent(agent) == shown for agent in pool.agents)


def _assigns(some: Matches) -> Iterable[tuple[Assign, Row, Row]]:
    """Each `assign` of a rule with each row that it matched, and the action's own cells."""
    at = 1
    for action in some.rule.actions:
        width = len(slots(action))
        if isinstance(action, Assign):
            for row in some.rows:
                yield action, row, row[at : at + width]
        at += width


def _count(load: dict[str, int], ticket: Ticket, wish: Given | Pool) -> None:
    agent = wish.agent if isinstance(wish, Given) else None
    if agent is not None and agent.id != ticket.assignee_id:
        load[agent.id] = load.get(agent.id, 0) + 1


def _least(pool: Pool, load: dict[str, int]) -> Agent:
    return min(pool.agents, key=lambda agent: load.get(agent.id, 0))


def _by_id(agent: Agent) -> tuple[int, str]:
    return len(agent.id), agent.id


def _age(ticket: Ticket) -> tuple[bool, Any, int, str]:
    unknown = ticket.created is None
    return unknown, None if unknown else ticket.created, len(ticket.id), ticket.id
