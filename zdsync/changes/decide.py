"""The decision core: from matches to changes, by "How rules meet" of rules-language.md.

Pure. Promises: top to bottom; for each field of a ticket the first rule in mode apply that
decides wins, even where the value is already right; rules in mode plan are shown and never
shadow, stop or count; an unresolved choice decides nothing; a hold decides a field against every
rule that does not reassert. Must not read the mirror.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.giving import Given, Giving, Pool, fills, fits
from zdsync.changes.holds import NOTHING_HELD, Hold, Holds
from zdsync.changes.keeping import Keeper
from zdsync.changes.matches import Ground, Matches, Ticket, slots, unstopped
from zdsync.changes.plan import Shadowed, Skipped, Unresolved
from zdsync.changes.resolve import Nothing, Resolver, shown_agent
from zdsync.changes.values import ranks
from zdsync.changes.wire import GIVEN, field_name, same
from zdsync.model import Agent, Scalar
from zdsync.rules.compiled import (
    Action,
    Assign,
    Close,
    CompiledRule,
    Const,
    Move,
    SetField,
    Spam,
    Tags,
)

Row = tuple[Any, ...]


def decide(
    ground: Ground,
    resolver: Resolver,
    paused: frozenset[str] = frozenset(),
    *,
    holds: Holds = NOTHING_HELD,
    traced: bool = False,
) -> Decision:
    """Decide every field of every matched ticket.

    A rule in `paused` (its limit is passed) still decides, so that no lower rule takes over what
    is its own, but it changes nothing. `traced`: also tell what need not be changed.
    """
    core = _Core(ground, resolver, paused, holds, Decision(agreed=[] if traced else None))
    matches = list(unstopped(ground))
    for some in matches:
        core.find_moves(some)
    if any(fills(some.rule) for some in matches):
        core.giving.choose(matches, paused)
    for some in matches:
        core.rule(some)
    return core.decision


@dataclass(slots=True)
class _Core:
    """The state of one decision."""

    ground: Ground
    resolver: Resolver
    paused: frozenset[str]
    holds: Holds
    decision: Decision = field(default_factory=Decision)
    # field → ticket → (rule, value), of rules in mode apply
    decided: dict[str, dict[str, tuple[str, Scalar]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    moves: dict[str, str] = field(default_factory=dict)  # ticket → department, mode apply
    shown_moves: dict[str, str] = field(default_factory=dict)  # the same, mode plan
    giving: Giving = field(init=False)
    keeper: Keeper = field(init=False)
    ranks: Mapping[str, int] = field(default_factory=dict)
    closed_status: str | None = None

    def __post_init__(self) -> None:
        portal = self.resolver.portal
        self.giving = Giving(self.ground, self.resolver, self._department, self._held)
        self.keeper = Keeper(self.holds, self.decision)
        self.ranks = ranks(portal.priorities)
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
                    if self.holds.on(row[0], "department", some.rule) is None:
                        noted.setdefault(row[0], found.id)

    def rule(self, some: Matches) -> None:
        """Decide what one rule asks for, action by action."""
        rule, at = some.rule, 1
        for action in rule.actions:
            width = len(slots(action))
            self._action(rule, action, some, slice(at, at + width))
            at += width

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
                    self._spam(rule, tickets[row[0]])

    def _settle(self, draft: Draft) -> bool:
        """Let one rule decide one field; False where a rule above decided otherwise."""
        rule, ticket = draft.rule, draft.ticket
        decided = self.decided[draft.field]
        earlier = decided.get(ticket.id)
        if earlier is None and ticket.id in self.holds.texts:
            hold = self._held(rule, ticket, draft.field)
            if hold is not None:
                self.keeper.keep(draft, hold)
                return False
            earlier = self.keeper.above(draft)
        if earlier is not None:
            by, value = earlier
            agrees = same(value, draft.after) or by == rule.id
            left = by in self.paused and by != rule.id and draft.differs  # nobody makes it now
            if left or not agrees:
                self.decision.shadowed.append(
                    Shadowed(ticket.id, ticket.number, draft.field, rule.id, by, draft.after)
                )
            else:
                self.decision.agree(draft, by)
            return agrees
        if rule.mode == "apply":
            decided[ticket.id] = (rule.id, draft.after)
        if (draft.differs or self._freed(draft)) and rule.id not in self.paused:
            self.decision.drafts.append(draft)
        else:
            self.decision.agree(draft)
        return True

    def _held(self, rule: CompiledRule, ticket: Ticket, name: str = "assignee") -> Hold | None:
        if ticket.id not in self.holds.texts:
            return None
        moves = self._department(rule, ticket) != ticket.department_id
        return self.keeper.hold(rule, ticket, name, moves=moves)

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
        wish = self.giving.wish(rule, action, ticket, found)
        if isinstance(wish, Given):
            self._give(rule, ticket, wish.agent)
        elif isinstance(wish, Pool):
            self._fill(rule, ticket, wish)
        elif ticket.id not in self.decided["assignee"]:
            self._unresolved(rule, ticket, wish.reason)

    def _give(self, rule: CompiledRule, ticket: Ticket, agent: Agent | None) -> bool:
        name, agent_id = (shown_agent(agent), agent.id) if agent else (None, None)
        before, before_id = ticket.assignee, ticket.assignee_id
        if before_id == agent_id:
            name = before  # the same person under another name is no change
        elif before_id and not before:
            before = before_id
        return self._settle(Draft(rule, ticket, "assignee", before, name, before_id, agent_id))

    def _fill(self, rule: CompiledRule, ticket: Ticket, pool: Pool) -> None:
        """Give an empty place to the least busy; where a rule above filled it, it is not empty."""
        earlier = self.decided["assignee"].get(ticket.id)
        if earlier is not None and fits(pool, earlier[1]):
            return
        given = self._give(rule, ticket, self.giving.pick(rule, ticket, pool))
        if pool.team is not None and earlier is None and given:
            self._settle(
                Draft(
                    rule, ticket, "team", ticket.team, pool.team.name, ticket.team_id, pool.team.id
                )
            )

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

    def _spam(self, rule: CompiledRule, ticket: Ticket) -> None:
        """Mark as spam, but not a ticket that the rule should close as well and may not."""
        draft = Draft(rule, ticket, "spam", False, True)
        closes = any(isinstance(action, Close) for action in rule.actions)
        hold = self._held(rule, ticket, "status") if closes and not ticket.closed else None
        if hold is None:
            self._settle(draft)
        else:
            self.keeper.keep(draft, hold)

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
