"""From matches to what is said: comments, replies and notices that are due, with their texts.

Promises: once per ticket and rule, from the journal (`memory`); a text that cannot be filled is
unresolved and never sent; what may not be said at all is skipped with the reason. Must not send.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zdsync.changes.addressee import refuses
from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.matches import Ground, Ticket, unstopped
from zdsync.changes.memory import Memory
from zdsync.changes.plan import Shadowed, Skipped, Unresolved
from zdsync.changes.resolve import Nothing, Resolver
from zdsync.changes.silence import Silence
from zdsync.changes.store import Queries, query, texts
from zdsync.model import Voice
from zdsync.rules.compiled import Action, Comment, CompiledRule, FieldChoice, Notify, Reply, Speech
from zdsync.rules.instants import naive
from zdsync.rules.templates import CannotRender, Template, render
from zdsync.sql import Sql, join

_LINK = "(SELECT any_value(w.web_url) FROM desk.tickets AS w WHERE w.id = t.ticket_id)"
_EXTRAS = {"ticket.id": "t.ticket_id", "ticket.number": "t.ticket_number", "ticket.link": _LINK}


@dataclass(slots=True)
class Speaker:
    """Plans what the matched rules say. `lost`: why nothing may be said, for the whole run."""

    mirror: Queries
    ground: Ground
    resolver: Resolver
    memory: Memory
    as_of: datetime
    voice: Voice
    lost: str
    answered: dict[str, str] = field(default_factory=dict)  # ticket → rule, of mode apply
    silence: Silence = field(init=False)

    def add_to(self, decision: Decision, paused: frozenset[str]) -> None:
        """Add drafts, and what did not become one, to a decision."""
        self.answered, self.silence = {}, Silence.over(decision)
        for some in unstopped(self.ground):
            for action in some.rule.actions:
                if isinstance(action, Comment | Reply | Notify) and some.rows:
                    tickets = [self.ground.tickets[row[0]] for row in some.rows]
                    self._say(decision, some.rule, action, tickets, paused)

    def _say(
        self,
        decision: Decision,
        rule: CompiledRule,
        action: Speech,
        tickets: Sequence[Ticket],
        paused: frozenset[str],
    ) -> None:
        reason = self.lost or _forbidden(action, self.voice)
        if reason:
            decision.skipped.append(Skipped(rule.id, reason))
        if reason or rule.id in paused:
            return
        whats = [what for what, _ in _whats(action)]
        now = naive(self.as_of)
        due = [
            one
            for one in tickets
            if any(self.memory.due(rule, one.id, what, now) for what in whats)
        ]
        if self.memory.doubtful:
            self._tell_doubts(decision, rule, whats, tickets)
        values = self._values(rule, action, due)
        for ticket in due:
            self._one(decision, rule, action, ticket, values[ticket.id])

    def _tell_doubts(
        self,
        decision: Decision,
        rule: CompiledRule,
        whats: Sequence[str],
        tickets: Sequence[Ticket],
    ) -> None:
        """Show what nobody knows whether it was said: a person looks, it is not said again."""
        for ticket in tickets:
            for what in whats:
                at = self.memory.doubt(rule, ticket.id, what)
                if at and not self.memory.due(rule, ticket.id, what, naive(self.as_of)):
                    reason = f"{what} may or may not have been sent at {at:%Y-%m-%d %H:%M} UTC"
                    more = f"{reason}; look, then zdsync settle: it is not sent again before"
                    decision.unresolved.append(Unresolved(ticket.id, rule.id, more, ticket.number))

    def _one(
        self,
        decision: Decision,
        rule: CompiledRule,
        action: Speech,
        ticket: Ticket,
        values: Mapping[str, Any],
    ) -> None:
        def unresolved(reason: str) -> None:
            decision.unresolved.append(Unresolved(ticket.id, rule.id, reason, ticket.number))

        try:
            html = not isinstance(action, Notify)
            text = render(_template(action), values, html=html, whole=_is_public(action))
        except CannotRender as error:
            unresolved(str(error))
            return
        told: set[str] = set()
        for what, to in _whats(action):
            if not self.memory.due(rule, ticket.id, what, naive(self.as_of)):
                continue
            address = self._address(action, to, values)
            if isinstance(address, Nothing):
                unresolved(address.reason)
            elif address not in told:
                told.add(address)
                last = self.memory.last(rule, ticket.id, what.partition(":")[0])
                after = _digest(text, address, last)
                draft = Draft(rule, ticket, what, None, after, None, address, text=text)
                if not self.silence.keeps(draft) and not self._answered(decision, draft):
                    decision.drafts.append(draft)

    def _address(
        self, action: Speech, to: str | FieldChoice, values: Mapping[str, Any]
    ) -> str | Nothing:
        """Where it goes: what the API or the settings need to know."""
        match action:
            case Comment():
                return str(to)
            case Reply(sender=sender):
                subject, mail = str(values["t.subject"] or ""), str(values["t.email"] or "")
                why = refuses(mail, subject, self.resolver.portal, (sender,))
                return Nothing(f"no reply: {why}") if why else f"{sender} {mail.strip()}"
        if isinstance(to, str):
            return to
        found = values[f"to {to.field}"]
        agent = self.resolver.person(str(found)) if found else Nothing(f"{to.field} is empty")
        return agent if isinstance(agent, Nothing) else f"mailto:{agent.email}"

    def _answered(self, decision: Decision, draft: Draft) -> bool:
        """One reply a ticket and plan: the rule above has answered, this one waits."""
        rule, ticket = draft.rule, draft.ticket
        if draft.field != "reply":
            return False
        by = self.answered.get(ticket.id)
        if by is not None:
            one = Shadowed(ticket.id, ticket.number, "reply", rule.id, by, "another reply")
            decision.shadowed.append(one)
        elif rule.mode == "apply":
            self.answered[ticket.id] = rule.id
        return by is not None

    def _values(
        self, rule: CompiledRule, action: Speech, tickets: Sequence[Ticket]
    ) -> dict[str, dict[str, Any]]:
        """What the texts name, and whom they go to, of these tickets only."""
        if not tickets:
            return {}
        wanted = dict(_columns(action))
        named = join(", ", [Sql("t.ticket_id"), *wanted.values()])
        ids = texts(ticket.id for ticket in tickets)
        source = f"FROM {self.ground.relation} AS t WHERE t.ticket_id IN ("
        told = {"rule.id": rule.id, "rule.why": rule.why}
        return {
            row[0]: {**told, **dict(zip(wanted, row[1:], strict=True))}
            for row in self.mirror.rows(query("SELECT", named, source, ids, ")"))
        }


def named(action: Action) -> tuple[Sql, ...]:
    """What is read of a ticket for what an action says."""
    if not isinstance(action, Comment | Reply | Notify):
        return ()
    return tuple(sql for _, sql in _columns(action))


def _columns(action: Speech) -> Iterator[tuple[str, Sql]]:
    template = _template(action)
    for name, found in template.fields:
        yield name, found.raw
    for name in template.extras:
        if name in _EXTRAS:
            yield name, Sql(_EXTRAS[name])
    if isinstance(action, Reply):
        yield "t.email", Sql("t.email")
        yield "t.subject", Sql("t.subject")
    if isinstance(action, Notify):
        for one in action.to:
            if isinstance(one, FieldChoice):
                yield f"to {one.field}", one.value


def _whats(action: Speech) -> list[tuple[str, str | FieldChoice]]:
    """What the journal calls each thing that is said, and to whom it goes."""
    match action:
        case Comment(public=public):
            return [("comment", "public" if public else "private")]
        case Reply():
            return [("reply", "")]
        case Notify(to=to):
            return [(f"notify:{one if isinstance(one, str) else one.field}", one) for one in to]


def _template(action: Speech) -> Template:
    return action.text


def _is_public(action: Speech) -> bool:
    """Whether a customer reads it."""
    return isinstance(action, Reply) or (isinstance(action, Comment) and action.public)


def _forbidden(action: Speech, voice: Voice) -> str:
    if isinstance(action, Reply) and not voice.replies:
        return "replies are off; ZDSYNC_REPLIES=on lets rules answer customers"
    if isinstance(action, Notify):
        strangers = [to for to in action.to if isinstance(to, str) and to not in voice.targets]
        if strangers:
            return f"nobody is told: {', '.join(strangers)} stands not under ZDSYNC_NOTIFY"
        if not voice.mail and any(
            not isinstance(to, str) or to in voice.mailed for to in action.to
        ):
            return "nobody is told: ZDSYNC_SMTP_URL and ZDSYNC_SMTP_FROM are not set"
    return ""


def _digest(text: str, address: str, last: datetime | None) -> str:
    """Stand for a text in plan and journal; a repetition has its own, so that it can be found."""
    said = f"{text}\0{address}\0{last or ''}"
    return "text:" + hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:16]
