"""Who is meant: from a name in a rule or a CRM owner to one Desk agent, team or department.

Pure. Promises never to guess: two that match are as good as none, and the reason is told.
Must not decide what a ticket gets; `decide` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from zdsync.model import Agent, Named, Portal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Nothing:
    """Nobody was found, and why (a sentence for the plan)."""

    reason: str


def _index(items: Iterable[T], key: Callable[[T], str | None]) -> dict[str, list[T]]:
    found: dict[str, list[T]] = defaultdict(list)
    for item in items:
        if name := key(item):
            found[_same(name)].append(item)
    return dict(found)


def _same(text: str) -> str:
    return text.strip().casefold()


@dataclass(frozen=True, slots=True)
class Resolver:
    """Names and owners of one portal; `members` maps a team's id to its agents' ids."""

    portal: Portal
    owner_map: Mapping[str, str] = field(default_factory=dict)  # owner e-mail → agent e-mail
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    _agents_by_id: dict[str, Agent] = field(init=False)
    _agents_by_mail: dict[str, list[Agent]] = field(init=False)
    _agents_by_name: dict[str, list[Agent]] = field(init=False)
    _agents_by_zuid: dict[str, list[Agent]] = field(init=False)
    _users: dict[str, list[str | None]] = field(init=False)  # owner e-mail → zuids
    _owners: dict[str, str] = field(init=False)
    _seen: dict[tuple[str, str], Agent | Nothing] = field(init=False)

    def __post_init__(self) -> None:
        agents = self.portal.agents
        put = object.__setattr__
        put(self, "_agents_by_id", {agent.id: agent for agent in agents})
        put(self, "_agents_by_mail", _index(agents, lambda agent: agent.email))
        put(self, "_agents_by_name", _index(agents, lambda agent: agent.name))
        put(self, "_agents_by_zuid", _index(agents, lambda agent: agent.zuid))
        users = _index(self.portal.crm_users, lambda user: user.email)
        put(self, "_users", {mail: [user.zuid for user in some] for mail, some in users.items()})
        put(self, "_owners", {_same(key): name for key, name in self.owner_map.items()})
        put(self, "_seen", {})

    def by_id(self, agent_id: str | None) -> Agent | None:
        """Find the agent with this id."""
        return self._agents_by_id.get(agent_id or "")

    def owner(self, email: str, department_id: str | None) -> Agent | Nothing:
        """Find the Desk agent behind a CRM owner: the owner map, then zuid, then e-mail.

        Both must have a zuid for it to count, and each way needs exactly one match
        (desk-people.md section 3, "Owner"). The agent must be able to take a ticket there.
        """
        key = ("owner " + email, department_id or "")
        if key not in self._seen:
            self._seen[key] = self._fit(self._owner(_same(email)), department_id)
        return self._seen[key]

    def agent(self, name: str, department_id: str | None) -> Agent | Nothing:
        """Find the agent that a rule names by e-mail, id or unique name."""
        key = ("agent " + name, department_id or "")
        if key not in self._seen:
            self._seen[key] = self._fit(self._named(name), department_id)
        return self._seen[key]

    def person(self, email: str) -> Agent | Nothing:
        """Find the active agent behind an e-mail, an agent's own or a CRM owner's."""
        agent = self._owner(_same(email))
        if isinstance(agent, Nothing):
            return agent
        if not agent.active:
            return Nothing(f"{shown_agent(agent)} is not an active agent")
        return agent if agent.email else Nothing(f"{agent.name} has no e-mail address")

    def team(self, name: str, department_id: str | None) -> Named | Nothing:
        """Find a team by name (or id) within the department."""
        teams = [
            team for team in self.portal.teams if team.id == name or _same(team.name) == _same(name)
        ]
        here = [team for team in teams if team.department_id == department_id and team.enabled]
        if len(here) == 1:
            return here[0]
        if here:
            return Nothing(f"two teams of the department are named {name}")
        where = "is not a team of the ticket's department" if teams else "is no team of the portal"
        return Nothing(f"{name} {where}")

    def department(self, name: str) -> Named | Nothing:
        """Find a department by name or id; it must be in use."""
        found = [
            one
            for one in self.portal.departments
            if one.id == name or _same(one.name) == _same(name)
        ]
        if len(found) != 1:
            count = "two departments are" if found else "no department is"
            return Nothing(f"{count} named {name}")
        return found[0] if found[0].enabled else Nothing(f"department {name} is disabled")

    def team_agents(self, team: Named, department_id: str | None) -> list[Agent]:
        """List the team's agents who can take a ticket of the department."""
        some = (self._agents_by_id.get(one) for one in self.members.get(team.id, ()))
        return [one for one in some if one is not None and _obstacle(one, department_id) is None]

    def _owner(self, email: str) -> Agent | Nothing:
        if named := self._owners.get(email):
            return self._named(named)
        zuids = {zuid for zuid in self._users.get(email, ()) if zuid}
        if len(zuids) == 1:
            by_zuid = self._agents_by_zuid.get(_same(next(iter(zuids))), [])
            if len(by_zuid) == 1:
                return by_zuid[0]
            if by_zuid:
                return Nothing(f"two Desk agents share the Zoho user of {email}")
        by_mail = self._agents_by_mail.get(email, [])
        if len(by_mail) == 1:
            return by_mail[0]
        what = "two Desk agents have" if by_mail else "no Desk agent has"
        return Nothing(f"{what} the CRM owner's e-mail {email}")

    def _named(self, name: str) -> Agent | Nothing:
        if agent := self._agents_by_id.get(name):
            return agent
        key = _same(name)
        found = self._agents_by_mail.get(key) or self._agents_by_name.get(key) or []
        if len(found) == 1:
            return found[0]
        return Nothing(f"{'two agents match' if found else 'no agent is'} {name}")

    def _fit(self, agent: Agent | Nothing, department_id: str | None) -> Agent | Nothing:
        if isinstance(agent, Nothing):
            return agent
        obstacle = _obstacle(agent, department_id)
        return Nothing(f"{shown_agent(agent)} {obstacle}") if obstacle else agent


def shown_agent(agent: Agent) -> str:
    """Write an agent as the rules language does: the e-mail, else the name."""
    return agent.email or agent.name


def stranger(agent_id: str) -> Agent:
    """An assignee whom the mirror of agents does not know."""
    return Agent(agent_id, None, agent_id, None, True, frozenset())


def _obstacle(agent: Agent, department_id: str | None) -> str | None:
    if not agent.active:
        return "is not an active agent"
    if department_id not in agent.departments:
        return "is no agent of the ticket's department"
    return None
