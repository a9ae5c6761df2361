"""What rules said in which ticket, from the journal: nothing is said twice unasked.

Promises that an applied or unknown comment, reply or notice counts as said, and one without a
receipt too: a crash left it open. Must not decide what a rule says.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import orjson

from zdsync.changes.plan import Plan
from zdsync.changes.store import Queries
from zdsync.changes.wire import is_speech
from zdsync.rules.compiled import Comment, CompiledRule, Notify, Reply
from zdsync.sql import Sql, load


@dataclass(slots=True)
class Memory:
    """By rule id and ticket: what was said (`notify:ops`) and when; `tried` came to nothing.

    `doubtful`: nobody knows whether it was said.
    """

    said: dict[tuple[str, str], dict[str, datetime]] = field(default_factory=dict)
    tried: set[tuple[str, str, str]] = field(default_factory=set)
    doubtful: set[tuple[str, str, str]] = field(default_factory=set)

    def last(self, rule: CompiledRule, ticket_id: str, verb: str) -> datetime | None:
        """When the rule last did this in the ticket, whomever it told; UTC without a zone."""
        times = [
            at
            for name in (rule.id, *rule.formerly)
            for what, at in self.said.get((name, ticket_id), {}).items()
            if what.partition(":")[0] == verb
        ]
        return max(times, default=None)

    def doubt(self, rule: CompiledRule, ticket_id: str, what: str) -> datetime | None:
        """When the rule may have said this, where nobody knows; UTC without a zone."""
        for name in (rule.id, *rule.formerly):
            if (name, ticket_id, what) in self.doubtful:
                return self.said[name, ticket_id][what]
        return None

    def due(self, rule: CompiledRule, ticket_id: str, what: str, now: datetime) -> bool:
        """Whether the rule may say this: never said, long enough ago, or missed in part.

        `now` is UTC without a zone. Of several who are told, one whom a notice did not reach is
        told again; one who joined the rule since is not told of what was said before.
        """
        last = self.last(rule, ticket_id, what.partition(":")[0])
        if last is None:
            return True
        if rule.again_after is not None and last <= now - rule.again_after:
            return True
        own = self.said.get((rule.id, ticket_id), {})
        return what not in own and (rule.id, ticket_id, what) in self.tried


def speaks(rule: CompiledRule) -> bool:
    """Whether a rule has something to say."""
    return any(isinstance(action, Comment | Reply | Notify) for action in rule.actions)


def remember(mirror: Queries, rules: Iterable[CompiledRule]) -> Memory:
    """Read what these rules, under all their ids, said."""
    found = Memory()
    names = [name for rule in rules if speaks(rule) for name in (rule.id, *rule.formerly)]
    if not names:
        return found
    asked = Sql(load("zdsync.changes.queries", "said.sql"), (orjson.dumps(names).decode(),))
    for ticket_id, rule_id, what, at, doubtful in mirror.rows(asked):
        if at is None:
            found.tried.add((rule_id, ticket_id, what))
        else:
            found.said.setdefault((rule_id, ticket_id), {})[what] = at
        if doubtful:
            found.doubtful.add((rule_id, ticket_id, what))
    return found


def unsaid(plan: Plan, mirror: Queries, *, silent: bool = False) -> Plan:
    """Leave out of a kept plan what was said since it was made; `silent`: all that it says.

    A field is compared with the ticket right before its write. What is said has nothing to be
    compared with: a plan that is applied twice would say it twice.
    """
    if not any(is_speech(change.field) for change in plan.writes):
        return plan
    since = plan.as_of.astimezone(UTC).replace(tzinfo=None)
    said = set(mirror.rows(Sql(load("zdsync.changes.queries", "said_since.sql"), (since,))))
    kept = tuple(
        change
        for change in plan.changes
        if not is_speech(change.field)
        or not (silent or (change.ticket_id, change.rule, change.field) in said)
    )
    return replace(plan, changes=kept)
