"""What a rule does to the ticket of an example: the small twin of the plan, for one rule alone.

Must not: run SQL, or know holds, shadows and guards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from zdsync.model import Portal
from zdsync.rules.compiled import (
    Action,
    AgentChoice,
    AmongChoice,
    Assign,
    Choice,
    Close,
    Comment,
    CompiledRule,
    FieldChoice,
    Move,
    Nobody,
    Notify,
    Reply,
    SetField,
    Spam,
    Tags,
    TeamChoice,
)
from zdsync.rules.folding import fold
from zdsync.rules.given import Example, Expected
from zdsync.rules.instants import Relative, naive, read_moment
from zdsync.rules.now import Now
from zdsync.rules.wording import asks, says
from zdsync.sql import Sql

PRIORITIES = ("Low", "Medium", "High")


def lowers(before: str | None, after: str | None, order: Sequence[str]) -> bool:
    """Whether `after` is a less urgent priority than `before`; unknown ones never are."""
    ranks = {fold(name): rank for rank, name in enumerate(order or PRIORITIES)}
    old, new = ranks.get(fold(before or "")), ranks.get(fold(after or ""))
    return old is not None and new is not None and new < old


def _closed_status(statuses: Mapping[str, str]) -> str:
    """What a close without a status sets, folded: `Closed`, else the portal's first such one."""
    closed = [fold(name) for name, kind in statuses.items() if kind == "Closed"]
    return closed[0] if closed and "closed" not in closed else "closed"


def expressions(action: Action) -> list[Sql]:
    """List what must be asked of SQL to know what an action does."""
    match action:
        case Assign(choices=choices):
            return [choice.value for choice in choices if isinstance(choice, FieldChoice)]
        case SetField(wanted=wanted, decides=decides):
            return [wanted, decides]
        case Tags(taxonomy=taxonomy) if taxonomy is not None:
            return [taxonomy.tags]
        case Comment() | Reply() | Notify():
            return asks(action)
    return []


def given(example: Example, name: str) -> str | None:
    entry = example.given.get(name)
    return None if entry is None else str(entry[1])


@dataclass(frozen=True, slots=True)
class Outcome:
    """Gathers the changes of one example as text by field, folded for comparing."""

    rule: CompiledRule
    example: Example
    portal: Portal | None
    now: Now
    found: dict[str, str | None] = field(default_factory=dict)

    def take(self, action: Action, answers: list[Any]) -> None:
        """Note what an action changes, given the values of its expressions."""
        match action:
            case Assign(choices=choices):
                self._assign(choices, iter(answers))
            case SetField():
                self._set(action, answers)
            case Tags(add=add, remove=remove):
                found = answers[0] if action.taxonomy else []
                self._tags((*add, *(found or ())), remove)
            case Move(department=department):
                self._change("department", department)
            case Close(outcome=text, status=status):
                self._change("status", status or "Closed")
                if text:
                    self._change("outcome", text)
            case Spam():
                self._change("spam", "true")
            case Comment() | Reply() | Notify():
                name = type(action).__name__.lower()
                wanted = self.example.expect.changes.get(name)
                self.found[name] = says(action, self.rule, answers, wanted)

    def _assign(self, choices: Iterable[Choice], answers: Iterator[Any]) -> None:
        for choice in choices:
            match choice:
                case AgentChoice(name=name):
                    self._change("assignee", name)
                case Nobody():
                    self._change("assignee", None)
                case TeamChoice(name=name):
                    if not self._now("assignee"):
                        self._change("team", name)
                        self._anyone([])
                case AmongChoice(agents=agents):
                    if not self._now("assignee"):
                        self._anyone([name for name, _ in agents])
                case FieldChoice():
                    found = next(answers)
                    if not found:
                        continue
                    self._change("assignee", str(found))
            return

    def _anyone(self, names: Sequence[str]) -> None:
        """Give to whom the example names: it cannot tell who is the least busy of several.

        Of a team, whose members only the mirror knows, to anybody; or to nobody it names.
        """
        wanted = self.example.expect.changes.get("assignee")
        same = self._same("assignee", wanted)
        agrees = [name for name in names if self._same("assignee", name) == same]
        if names:
            self._change("assignee", next(iter(agrees), names[0]))
        elif wanted:
            self._change("assignee", wanted)

    def _set(self, action: SetField, answers: list[Any]) -> None:
        wanted, decides = answers
        if not decides:
            return
        order = self.portal.priorities if self.portal else ()
        if action.never_lower and lowers(self._now(action.field), wanted, order):
            return
        self._change(action.field, wanted)

    def _tags(self, add: Iterable[str], remove: Iterable[str]) -> None:
        entry = self.example.given.get("tags")
        have = {fold(tag) for tag in entry[1]} if entry and isinstance(entry[1], tuple) else set()
        for tag in add:
            if fold(tag) not in have:
                self.found[f"tag {fold(tag)}"] = "added"
        for tag in remove:
            if fold(tag) in have:
                self.found[f"tag {fold(tag)}"] = "removed"

    def _now(self, name: str) -> str | None:
        if name == "outcome":
            return given(self.example, self._outcome_field())
        return given(self.example, name)

    def _outcome_field(self) -> str:
        return f"cf.{self.portal.outcome_field if self.portal else 'cf_outcome'}"

    def _change(self, name: str, after: str | None) -> None:
        name = "outcome" if name == self._outcome_field() else name
        if self._same(name, self._now(name)) != self._same(name, after):
            self.found[name] = self._same(name, after)

    def _same(self, name: str, text: str | None) -> str | None:
        """Write a value so that two spellings of it are equal; an agent becomes the e-mail."""
        folded = fold(text or "") or None
        if name == "status" and folded == "closed" and self.portal:
            return _closed_status(self.portal.statuses)
        if name == "due":
            return self._instant(text or "") or folded
        if name != "assignee" or self.portal is None:
            return folded
        hits = [
            agent
            for agent in self.portal.agents
            if folded in (fold(agent.email or ""), agent.id, fold(agent.name))
        ]
        return fold(hits[0].email or "") if len(hits) == 1 else folded

    def _instant(self, text: str) -> str | None:
        """Write an instant to the minute, rounded up as a relative due date is."""
        moment = read_moment(text)
        if moment is None:
            return None
        at = naive(self.now.at(moment, given(self.example, "department")))
        late = at + timedelta(microseconds=59_999_999) if isinstance(moment, Relative) else at
        return f"{late:%Y-%m-%d %H:%M}"

    def wanted(self) -> dict[str, str | None]:
        """Write what the example expects in the same words."""
        expect: Expected = self.example.expect
        outcome = (self._outcome_field(), "cf.cf_outcome")
        changes = {
            "outcome" if name in outcome else name: text for name, text in expect.changes.items()
        }
        return {
            **{name: self._same(name, text) for name, text in changes.items()},
            **{f"tag {fold(tag)}": "added" for tag in expect.add},
            **{f"tag {fold(tag)}": "removed" for tag in expect.remove},
        }
