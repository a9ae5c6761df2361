"""The decision core: from matches to changes, by "How rules meet" of rules-language.md.

Pure. Promises: top to bottom; for each field of a ticket the first rule in mode apply that
decides wins, even where the value is already right; rules in mode plan are shown and never
shadow, stop or count; an unresolved choice decides nothing. Must not read the mirror.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.matches import Ground, Matches, Ticket, slots, unstopped
from zdsync.changes.plan import Shadowed, Skipped, Unresolved
from zdsync.changes.resolve import Nothing, Resolver, shown_agent, stranger
from zdsync.changes.wire import GIVEN, field_name, same
from zdsync.model import Agent, Scalar
from zdsync.rules.compiled import (
    Action,
    AgentChoice,
    Assign,
    Close,
    CompiledRule,
    Const,
    FieldChoice,
    Move,
    Nobody,
    SetField,
    Spam,
    Tags,
    TeamChoice,
)

Row = tuple[Any, ...]
_PRIORITIES = ("Low", "Medium", "High")  # Zoho's own, where the portal's are not known


def decide(
    ground: Ground,
    resolver: Resolver,
    paused: frozenset[str] = frozenset(),
    *,
    traced: bool = False,
) -> Decision:
    """Decide every field of every matched ticket.

    A rule in `paused` (its limit is passed) still decides, so that no lower rule takes over what
    is its own, but it changes nothing. `traced`: also tell what need not be changed.
    """
    core = _Core(ground, resolver, paused, Decision(agreed=[] if traced else None))
    matches = list(unstopped(ground))
    for some in matches:
        core.find_moves(some)
    for some in matches:
        core.rule(some)
    return core.decision


@dataclass(slots=True)
class _Core:
    """The state of one decision."""

    ground: Ground
    resolver: Resolver
    paused: frozenset[str]
    decision: Decision = field(default_factory=Decision)
    # field → ticket → (rule, value), of rules in mode apply
    decided: dict[str, dict[str, tuple[str, Scalar]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    moves: dict[str, str] = field(default_factory=dict)  # ticket → department, mode apply
    shown_moves: dict[str, str] = field(default_factory=dict)  # the same, mode plan
    load: dict[str, int] = field(default_factory=dict)
    ranks: Mapping[str, int] = field(default_factory=dict)
    closed_status: str | None = None

    def __post_init__(self) -> None:
        portal = self.resolver.portal
        self.load = dict(self.ground.open_of)
        order = portal.priorities or _PRIORITIES
        self.ranks = {name.casefold(): rank for rank, name in enumerate(order)}
        closed = [name for name, kind in portal.statuses.items() if kind == "Closed"]
        self.closed_status = "Closed" if "Closed" in closed else next(iter(closed), None)

    def find_moves(self, some: Matches) -> None:
        """Note where tickets will be: who may be assigned depends on it, whatever the order."""
        apply = some.rule.mode == "apply"
        if apply and some.rule.id in self.paused:
            return
        noted = self.moves if apply else self.shown_moves
        for action in some.rule.actions:
            if not isinstance(action, Move):
                continue
            found = action.target or self.resolver.department(action.department)
            if not isinstance(found, Nothing):
                for row in some.rows:
                    noted.setdefault(row[0], found.id)

    def rule(self, some: Matches) -> None:
        """Decide what one rule asks for, action by action."""
        rule, at = some.rule, 1
        load = self.load
        if rule.mode != "apply":
            self.load = dict(load)  # what is only shown does not fill anybody's desk
        for action in rule.actions:
            width = len(slots(action))
            self._action(rule, action, some, slice(at, at + width))
            at += width
        self.load = load

    def _action(self, rule: CompiledRule, action: Action, some: Matches, at: slice) -> None:
        tickets = self.ground.tickets
        match action:
            case SetField():
                for row in some.rows:
                    self._set(rule, action, tickets[row[0]], row[at])
            case Assign():
                for row in some.rows:
                    self._assign(rule, action, tickets[row[0]], row[at])
            case Tags():
                self._tags(rule, action, some, at)
            case Move():
                for row in some.rows:
                    self._move(rule, action, tickets[row[0]])
            case Close():
                for row in some.rows:
                    self._close(rule, action, tickets[row[0]])
            case Spam():
                for row in some.rows:
                    self._settle(Draft(rule, tickets[row[0]], "spam", False, True))

    def _settle(self, draft: Draft) -> bool:
        """Let one rule decide one field; False where a rule above decided otherwise."""
        rule, ticket = draft.rule, draft.ticket
        decided = self.decided[draft.field]
        earlier = decided.get(ticket.id)
        if earlier is not None:
            by, value = earlier
            if same(value, draft.after) or by == rule.id:
                self.decision.agree(draft, by)
                return True
            self.decision.shadowed.append(
                Shadowed(ticket.id, ticket.number, draft.field, rule.id, by, draft.after)
            )
            return False
        if rule.mode == "apply":
            decided[ticket.id] = (rule.id, draft.after)
        differs = draft.before_id != draft.after_id or not same(draft.before, draft.after)
        if (differs or self._freed(draft)) and rule.id not in self.paused:
            self.decision.drafts.append(draft)
        else:
            self.decision.agree(draft)
        return True

    def _freed(self, draft: Draft) -> bool:
        """Whether a move may take away what stands there rightly: it is given again after it."""
        if draft.after_id is None or draft.field not in GIVEN:
            return False
        return self._department(draft.rule, draft.ticket) != draft.ticket.department_id

    def _unresolved(self, rule: CompiledRule, ticket: Ticket, reason: str) -> None:
        self.decision.unresolved.append(Unresolved(ticket.id, rule.id, reason, ticket.number))

    def _set(self, rule: CompiledRule, action: SetField, ticket: Ticket, found: Row) -> None:
        if isinstance(action.value, Const):
            wanted: Scalar = action.value.value
        elif found[0]:
            wanted = found[1]
        else:
            return
        before = ticket.values.get(action.field)
        if action.never_lower and self._above(before, wanted):
            wanted = before
        self._settle(Draft(rule, ticket, action.field, before, wanted))

    def _above(self, before: Scalar, wanted: Scalar) -> bool:
        """Whether a value stands higher; one of unknown rank is never lowered either."""
        if same(before, None):
            return False
        unknown = len(self.ranks)
        have = self.ranks.get(str(before).casefold(), unknown)
        return have > self.ranks.get(str(wanted).casefold(), -1)

    def _department(self, rule: CompiledRule, ticket: Ticket) -> str | None:
        found = self.moves.get(ticket.id)
        if found is None and rule.mode != "apply":
            found = self.shown_moves.get(ticket.id)
        return found or ticket.department_id

    def _assign(self, rule: CompiledRule, action: Assign, ticket: Ticket, found: Row) -> None:
        department = self._department(rule, ticket)
        values = iter(found)
        reasons: list[str] = []
        for choice in action.choices:
            match choice:
                case Nobody():
                    self._give(rule, ticket, None)
                    return
                case TeamChoice(name):
                    obstacle = self._team(rule, ticket, name, department)
                    if obstacle is None:
                        return
                    reasons.append(obstacle.reason)
                    continue
                case AgentChoice(name, known):
                    agent = self.resolver.agent(known.id if known else name, department)
                case FieldChoice(name):
                    value = next(values)
                    agent = (
                        self.resolver.owner(value, department)
                        if value
                        else Nothing(f"{name} is empty")
                    )
            if not isinstance(agent, Nothing):
                self._give(rule, ticket, agent)
                return
            reasons.append(agent.reason)
        if ticket.id not in self.decided["assignee"]:
            self._unresolved(rule, ticket, "; ".join(reasons))

    def _give(self, rule: CompiledRule, ticket: Ticket, agent: Agent | None) -> bool:
        name, agent_id = (shown_agent(agent), agent.id) if agent else (None, None)
        before, before_id = ticket.assignee, ticket.assignee_id
        if before_id == agent_id:
            name = before  # the same person under another name is no change
        elif before_id and not before:
            before = before_id
        count = len(self.decision.drafts)
        won = self._settle(Draft(rule, ticket, "assignee", before, name, before_id, agent_id))
        if agent_id and len(self.decision.drafts) > count:
            self.load[agent_id] = self.load.get(agent_id, 0) + 1
        return won

    def _team(
        self, rule: CompiledRule, ticket: Ticket, name: str, department: str | None
    ) -> Nothing | None:
        """Fill an empty assignee from the team; None where the choice is served."""
        present = self.resolver.by_id(ticket.assignee_id)
        stays = department == ticket.department_id or (
            present and department in present.departments
        )
        if ticket.assignee_id and stays:
            self._give(rule, ticket, present or stranger(ticket.assignee_id))
            return None
        team = self.resolver.team(name, department)
        if isinstance(team, Nothing):
            return team
        members = self.resolver.team_agents(team, department)
        agent = min(members, key=lambda one: (self.load.get(one.id, 0), one.id), default=None)
        if agent is None or self._give(rule, ticket, agent):
            self._settle(
                Draft(rule, ticket, "team", ticket.team, team.name, ticket.team_id, team.id)
            )
        return None

    def _tags(self, rule: CompiledRule, action: Tags, some: Matches, at: slice) -> None:
        unread = 0
        for row in some.rows:
            ticket = self.ground.tickets[row[0]]
            found = (*action.add, *((row[at][0] or ()) if action.taxonomy else ()))
            if not found and not action.remove:
                continue
            if ticket.tags is None or not ticket.tags_decide(found, action.remove):
                unread += 1
                self.decision.unread_tags[ticket.id] = None
                continue
            for name in dict.fromkeys(found):
                self._tag(rule, ticket, name, ticket.tags, after=True)
            for name in action.remove:
                self._tag(rule, ticket, name, ticket.tags, after=False)
        if unread:
            reason = f"tickets that get no tags because theirs are not read: {unread}"
            self.decision.skipped.append(Skipped(rule.id, reason))

    def _tag(
        self, rule: CompiledRule, ticket: Ticket, name: str, have: frozenset[str], *, after: bool
    ) -> None:
        before = name.casefold() in have
        self._settle(Draft(rule, ticket, f"tag:{name}", before, after))

    def _move(self, rule: CompiledRule, action: Move, ticket: Ticket) -> None:
        found = action.target or self.resolver.department(action.department)
        if isinstance(found, Nothing):
            self._unresolved(rule, ticket, found.reason)
            return
        before = ticket.department
        after = before if ticket.department_id == found.id else found.name
        self._settle(
            Draft(rule, ticket, "department", before, after, ticket.department_id, found.id)
        )

    def _close(self, rule: CompiledRule, action: Close, ticket: Ticket) -> None:
        status = action.status or self.closed_status
        if status is None:
            self._unresolved(rule, ticket, "the portal has no status of the class Closed")
            return
        after = ticket.status if ticket.closed else status
        notify = action.notify_contact
        closing = Draft(rule, ticket, "status", ticket.status, after, notify=notify)
        if self._settle(closing) and action.outcome and not ticket.closed:
            name = field_name(self.resolver.portal.outcome_field)
            before = ticket.values.get(name)
            self._settle(Draft(rule, ticket, name, before, action.outcome))
