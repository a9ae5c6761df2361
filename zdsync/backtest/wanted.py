"""What a rule would have wanted of the tickets that it matched, by the plan's own decision.

Each rule is decided alone, as an example is. Must not ask what people did; `outcomes` does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from zdsync.backtest.judged import Judged
from zdsync.changes.decide import decide
from zdsync.changes.drafts import Draft
from zdsync.changes.matches import Ground
from zdsync.changes.resolve import Resolver
from zdsync.changes.wire import is_tag, same
from zdsync.model import Named, Scalar
from zdsync.rules.compiled import (
    AmongChoice,
    Assign,
    Close,
    CompiledRule,
    Spam,
    Tags,
    TeamChoice,
)

# field of the language → column whose past is kept
_COLUMNS = {
    "assignee": "assignee_id",
    "team": "team_id",
    "department": "department_id",
    "priority": "priority",
    "status": "status",
    "spam": "spam",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One field of one ticket that a rule would have changed at a moment (naive UTC).

    `column` names the past to compare with; `agree` are the values by which people agree.
    """

    rule: str
    ticket_id: str
    ticket_number: str
    field: str
    column: str
    before: Scalar
    after: Scalar
    at: datetime
    agree: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one rule comes to.

    `already`: matched tickets of which it wants nothing; `unresolved`: those for which it found
    nobody, or whose tags then are not known. `apart`: fields that it sets and whose past is not
    kept; nothing is said of those.
    """

    decisions: tuple[Decision, ...]
    already: int
    unresolved: int
    apart: tuple[str, ...]


def want(
    judged: Judged, resolver: Resolver, tags: Mapping[str, frozenset[str]] | None = None
) -> Wanted:
    """Decide the matched tickets; `tags` (folded) are those that are known of that moment."""
    rule, tickets = judged.matches.rule, judged.tickets
    if tags:
        known = {
            key: tickets[key]._replace(tags=some, tags_current=True) for key, some in tags.items()
        }
        tickets = {**tickets, **known}
    # Shown only, it fills nobody's desk: who had least to do then is not known.
    alone = replace(judged.matches, rule=replace(rule, mode="plan"))
    decision = decide(Ground(tickets, [alone]), resolver)
    drafts = _compared(rule, decision.drafts)
    decisions = tuple(_decision(one, judged, resolver) for one in drafts)
    lost = {one.ticket_id for one in decision.unresolved} | set(decision.unread_tags)
    touched = {one.ticket.id for one in decision.drafts}
    return Wanted(
        decisions,
        len(tickets.keys() - lost - touched),
        len(lost - {one.ticket_id for one in decisions}),
        tuple(sorted({one.field for one in decision.drafts if not _kept(one.field)})),
    )


def _kept(field: str) -> bool:
    return field in _COLUMNS or is_tag(field)


def _compared(rule: CompiledRule, drafts: Sequence[Draft]) -> list[Draft]:
    """Drafts whose past is kept. A rule that marks as spam is compared by the mark alone: whether
    what is spam was closed, too, matters to nobody.
    """
    kept = [one for one in drafts if _kept(one.field)]
    if any(isinstance(action, Spam) for action in rule.actions):
        return [one for one in kept if one.field == "spam"]
    return kept


def _decision(draft: Draft, judged: Judged, resolver: Resolver) -> Decision:
    ticket = draft.ticket
    column = draft.field.casefold() if is_tag(draft.field) else _COLUMNS[draft.field]
    return Decision(
        draft.rule.id,
        ticket.id,
        ticket.number,
        draft.field,
        column,
        draft.before,
        draft.after,
        judged.moments[ticket.id],
        _agree(draft, resolver),
    )


def _agree(draft: Draft, resolver: Resolver) -> tuple[str, ...]:
    """The values by which people agree: any of a team, any closed status."""
    actions = draft.rule.actions
    if is_tag(draft.field) or draft.field == "spam":
        return ("true" if draft.after else "false",)
    if draft.field == "status" and any(isinstance(action, Close) for action in actions):
        closed = [name for name, kind in resolver.portal.statuses.items() if kind == "Closed"]
        return tuple(dict.fromkeys((*closed, str(draft.after))))
    if draft.field in ("assignee", "team", "department"):
        wanted = (draft.after_id or "",)
        return _among(draft, resolver) or wanted if draft.field == "assignee" else wanted
    return ("",) if same(draft.after, None) else (str(draft.after),)


def _among(draft: Draft, resolver: Resolver) -> tuple[str, ...]:
    """Everybody whom the rule's choice of the least busy could have meant."""
    department, found = draft.ticket.department_id, list[str]()
    for action in draft.rule.actions:
        for choice in action.choices if isinstance(action, Assign) else ():
            if isinstance(choice, AmongChoice):
                found += [known.id for _, known in choice.agents if known]
            team = (
                resolver.team(choice.name, department) if isinstance(choice, TeamChoice) else None
            )
            if isinstance(team, Named):
                found += [one.id for one in resolver.team_agents(team, department)]
    return tuple(found) if draft.after_id in found else ()


def gives_tags(rule: CompiledRule) -> bool:
    """Whether the rule adds or removes tags."""
    return any(isinstance(action, Tags) for action in rule.actions)
