"""Why a ticket gets what it gets: every rule, its condition part by part, and what became of it.

Stands on an evaluation of that one ticket, the same that a plan comes from, and on its plan: what
explain calls a change is a change of that plan. Must not read anything of Zoho, or decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zdsync.changes.drafts import Decision
from zdsync.changes.evaluate import Evaluation
from zdsync.changes.explanation import Explained, Explanation, Facts, Fate, FateKind
from zdsync.changes.ground import make_ground
from zdsync.changes.judged import ask, plainly
from zdsync.changes.matches import Matches, slots
from zdsync.changes.plan import Plan
from zdsync.changes.store import Queries
from zdsync.changes.wire import same
from zdsync.errors import Misconfigured
from zdsync.model import Change, Scalar
from zdsync.rules import CompiledRule, Rule
from zdsync.rules.compiled import (
    Action,
    Assign,
    Close,
    Comment,
    Const,
    FieldValue,
    Lookup,
    Move,
    Notify,
    Reply,
    SetField,
    Spam,
    Tags,
)
from zdsync.rules.explained import take_apart
from zdsync.rules.hits import LONG
from zdsync.rules.markup import strip_html
from zdsync.rules.now import Now
from zdsync.sql import Sql
from zdsync.text import printable

_FACTS = """
SELECT ticket_id, ticket_number, presence, is_emptied, subject, department, status,
    coalesce(status_type, '') = 'Closed', assignee
FROM rule_ground
"""
# An id before a number; of two tickets with one number the live one.
_FIND = """
SELECT id FROM desk.tickets WHERE id = ? OR ticket_number = ?
ORDER BY id = ? DESC, presence = 'live' DESC, id LIMIT 1
"""
_TEXT = 400  # cells of a text that would be said
_WHERE = {
    "spam": "it is marked as spam",
    "trashed": "it is in the recycle bin",
    "archived": "it is archived",
    "gone": "it is gone from Zoho",
}


def find_ticket(mirror: Queries, asked: str) -> str:
    """Find a ticket's id by its number or id, wherever it is; Misconfigured where there is none."""
    found = mirror.rows(Sql(_FIND, (asked, asked, asked)))
    if not found:
        what = f"the mirror knows no ticket {printable(asked, 40)}"
        raise Misconfigured(what, hint="name its number or id; zdsync pull reads new tickets")
    return str(found[0][0])


def explain(
    mirror: Queries,
    rules: Sequence[tuple[Rule, CompiledRule]],
    evaluation: Evaluation,
    plan: Plan,
    *,
    now: Now,
    ticket_id: str,
    paused: Mapping[str, str] | None = None,
) -> Explanation:
    """Explain one ticket; `evaluation` and `plan` are those of this ticket alone.

    `rules`: all of the file, as they are shown, also those in mode off. `now`: what durations
    count from, as in the plan. `paused`: rules that the service leaves out, and why. The ground is
    made anew, so that it holds the ticket wherever it is.
    """
    traced = evaluation.trace()
    make_ground(mirror, [compiled for _, compiled in rules], ticket_id, anywhere=True)
    facts = _facts(mirror)
    teller = _Teller(mirror, now, evaluation, plan, traced, facts, paused or {})
    told = tuple(teller.rule(*pair) for pair in rules)
    held = evaluation.holds.of([ticket_id]).of(ticket_id) if evaluation.holds else ()
    return Explanation(facts, plan.as_of, told, _ignored(facts, rules), plan.breaches, held)


def _facts(mirror: Queries) -> Facts:
    """Read what the one ticket of the ground is."""
    row = mirror.rows(Sql(_FACTS))[0]
    id_, number, presence, emptied, *texts, closed, assignee = row
    subject, department, status = (printable(one or "", 80) for one in texts)
    who = printable(assignee or "", 60)
    return Facts(id_, number or "", presence, emptied, subject, department, status, closed, who)


def _ignored(facts: Facts, rules: Iterable[tuple[Rule, CompiledRule]]) -> tuple[str, ...]:
    """Say why no rule, or only some, look at the ticket at all."""
    if facts.presence != "live":
        where = _WHERE.get(facts.presence, f"it is {facts.presence}")
        return (f"No rule looks at this ticket: {where}.",)
    if facts.emptied:
        return ("No rule looks at this ticket: its texts were emptied, so it is left to people.",)
    if facts.closed:
        open_to = [rule.id for rule, _ in rules if rule.scope == "all" and rule.mode != "off"]
        if not open_to:
            return ("No rule looks at this ticket: it is closed, and none has `scope: all`.",)
        return (f"It is closed: only rules with `scope: all` look at it: {', '.join(open_to)}.",)
    return ()


@dataclass(slots=True)
class _Teller:
    """Tells rule by rule; knows what was decided."""

    mirror: Queries
    now: Now
    evaluation: Evaluation
    plan: Plan
    traced: Decision
    facts: Facts
    paused: Mapping[str, str]
    stopped_by: str = ""

    def rule(self, rule: Rule, compiled: CompiledRule) -> Explained:
        """Explain one rule; rules are told from top to bottom."""
        part = take_apart(rule.when, self.now)
        fields = dict.fromkeys((*rule.plain_fields, *rule.text_fields))
        read = [one for one in fields if one.name not in LONG and one.name != "subject"]
        asked = [compiled.judged or compiled.where, *(one.raw for one in read)]
        tree, (matched, *values) = ask(self.mirror, self.facts.id, part, asked)
        takes = tuple((one.name, plainly(v)) for one, v in zip(read, values, strict=True))
        why_not = tuple(self._why_not(rule, compiled, matched))
        some = next((one for one in self.evaluation.ground.matches if one.rule.id == rule.id), None)
        acts = some is not None and bool(some.rows) and not self.stopped_by
        fates = tuple(self._fates(some, dict(takes))) if some is not None and acts else ()
        if acts and rule.stop and rule.mode == "apply":
            self.stopped_by = rule.id
        changes = tuple(one for one in self.plan.changes if one.rule == rule.id)
        return Explained(
            rule.id, rule.why, rule.mode, matched, tree, why_not, fates, changes, takes
        )

    def _why_not(self, rule: Rule, compiled: CompiledRule, matched: bool | None) -> Iterator[str]:
        """Say what keeps a rule from this ticket, whether or not its condition holds."""
        if rule.mode == "off":
            yield "its mode is off"
            return
        reasons = [one.reason for one in self.plan.skipped if one.rule == rule.id]
        ready = {one.rule.id for one in self.evaluation.ground.matches}
        if rule.id not in ready:
            yield "it is skipped: " + "; ".join(reasons)
        if matched is False:
            return
        if self.facts.presence != "live" or self.facts.emptied:
            yield "no rule looks at this ticket"
        elif self.facts.closed and compiled.scope == "open":
            yield "the ticket is closed, and its scope is open tickets"
        elif self.stopped_by:
            yield f"{self.stopped_by}, above, ends the list (`stop`)"
        elif matched is None and rule.id in ready:
            yield "; ".join(reasons) or "what it reads of this ticket was not read yet"

    def _fates(self, some: Matches, takes: Mapping[str, Scalar]) -> Iterator[Fate]:
        """Say what became of each thing that a matching rule wants, in the order of its actions."""
        told = list(self._told(some))
        by_field: dict[str, list[Fate]] = defaultdict(list)
        for fate in told:
            head, colon, _ = fate.field.partition(":")  # of tags and notices there are many
            by_field[head + colon].append(fate)
        yield from (one for one in told if not one.field)
        at = 1
        for action in some.rule.actions:
            width = len(slots(action))
            cells = some.rows[0][at : at + width]
            at += width
            found = [one for name in _fields(action) for one in by_field.pop(name, ())]
            if found:
                yield from (_kept(action, one, cells) for one in found)
            elif not any(one.kind == "unresolved" for one in told):
                yield from _idle(action, takes, self._left_alone(some.rule.id, action))
        yield from (one for rest in by_field.values() for one in rest if one.field)

    def _left_alone(self, rule: str, action: Action) -> str:
        """Why tags were left alone, or nothing is said; "" where the plan gives no reason."""
        tags = isinstance(action, Tags)
        if tags and self.facts.id not in self.traced.unread_tags:
            return ""
        skipped = self.traced.skipped if tags else self.plan.skipped
        return "; ".join(one.reason for one in skipped if one.rule == rule)

    def _told(self, some: Matches) -> Iterator[Fate]:
        """The fates that the decision tells itself."""
        rule = some.rule
        for change in self.plan.changes:
            if change.rule == rule.id:
                yield self._change(change)
        for one in self.plan.held:
            if one.rule == rule.id:
                yield Fate("held", one.field, one.value, one.wanted, one.reason)
        for draft, by in self.traced.agreed or ():
            if draft.rule.id == rule.id:
                reason = f"{by}, above, wants the same" if by not in ("", rule.id) else ""
                kind: FateKind = "agreed" if reason else "right"
                yield Fate(kind, draft.field, draft.before, draft.after, reason)
        for shadow in self.plan.shadowed:
            if shadow.rule == rule.id:
                reason = f"{shadow.by}, above, decides it"
                yield Fate("shadowed", shadow.field, None, shadow.value, reason)
        for lost in self.plan.unresolved:
            if lost.rule == rule.id:
                yield Fate("unresolved", "", reason=lost.reason)

    def _change(self, change: Change) -> Fate:
        kind: FateKind = "written" if change.mode == "apply" else "shown"
        reason = "" if kind == "written" else "its mode is plan: shown, not written"
        if kind == "written" and change.rule in self.paused:
            kind, reason = "left", f"not by the service: {self.paused[change.rule]}"
        text = printable(strip_html(change.text), _TEXT)
        return Fate(kind, change.field, change.before, change.after, reason, text)


def _fields(action: Action) -> tuple[str, ...]:
    """The fields that an action decides; `tag:` stands for all tags, `notify:` for all notices."""
    match action:
        case SetField(field=field):
            return (field,)
        case Assign():
            return ("assignee", "team")
        case Tags():
            return ("tag:",)
        case Move():
            return ("department",)
        case Close():
            return ("status",)
        case Spam():
            return ("spam",)
        case Comment():
            return ("comment",)
        case Reply():
            return ("reply",)
        case Notify():
            return ("notify:",)


def _kept(action: Action, fate: Fate, cells: Sequence[Any]) -> Fate:
    """Say where `never_lower` keeps a value that is not the one that the rule names."""
    if not isinstance(action, SetField) or not action.never_lower or fate.kind != "right":
        return fate
    wanted = action.value.value if isinstance(action.value, Const) else cells[1]
    if same(wanted, fate.after):
        return fate
    return Fate(
        fate.kind, fate.field, fate.before, fate.after, f"`never_lower`: {wanted} would be lower"
    )


def _idle(action: Action, takes: Mapping[str, Scalar], why: str) -> Iterator[Fate]:
    """Say why an action of a matching rule asks for nothing; `why`: as far as the plan tells."""
    match action:
        case SetField(field=field, value=Lookup(field=key)):
            have = takes.get(key)
            what = f"{key} is empty" if have in (None, "") else f"the table has no {have}"
            yield Fate("idle", field, reason=what)
        case SetField(field=field, value=FieldValue(field=source)):
            yield Fate("idle", field, reason=f"{source} is empty")
        case SetField(field=field):
            yield Fate("idle", field, reason="its table has nothing for this ticket")
        case Tags(taxonomy=taxonomy):
            nothing = f"no word of {taxonomy.name} in the text" if taxonomy else "no tag to change"
            yield Fate("idle", "tags", reason=why or nothing)
        case Comment() | Reply() | Notify():
            once = "said before: once for each ticket, unless `again_after` says otherwise"
            yield Fate("idle", type(action).__name__.lower(), reason=why or once)
