"""What a rule says: comment, reply, notify, and how often. Notes each problem at its token.

Must not: send anything, or know whether something was said before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from zdsync.model import Voice
from zdsync.rules.compiled import Action, Comment, FieldChoice, Notify, Reply
from zdsync.rules.fields import RuleField
from zdsync.rules.instants import Business, read_duration, read_span
from zdsync.rules.nodes import Node, Notes, near
from zdsync.rules.parse import Parser
from zdsync.rules.templates import Template, customers_words, read_template

# One address and nothing else: what stands in a header must not be able to begin another one.
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_PEOPLE = ("assignee", "contact.owner")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")


@dataclass(slots=True)
class SpeechReader:
    """Reads what one rule says; `plains` gathers the fields that its texts need.

    `voice` None: the settings are not known, so names of ZDSYNC_NOTIFY are taken as they stand.
    """

    parser: Parser
    voice: Voice | None
    plains: list[RuleField]
    said: set[str] = field(default_factory=set)

    def read(self, key: Node, body: Node) -> list[Action]:
        """Read one `comment`, `reply` or `notify`; a rule has one of each at most."""
        if key.text in self.said:
            what, hint = f"a second `{key.text}` in one rule", "put both texts into one"
            self.parser.notes.add(key, what, hint)
        self.said.add(key.text)
        match key.text:
            case "comment":
                found: Action | None = self._comment(body)
            case "reply":
                found = self._reply(body)
            case _:
                found = self._notify(body)
        return [found] if found else []

    def _comment(self, body: Node) -> Comment | None:
        public = body.get("public")
        text = self._template(body if body.scalar else body.get("text"))
        return Comment(text, bool(public and public.value)) if text else None

    def _reply(self, body: Node) -> Reply | None:
        text, sender = self._template(body.get("template")), body.get("from")
        if sender is None or text is None:
            return None
        if not ADDRESS.fullmatch(sender.text.strip()):
            hint = "name an address that Desk replies from"
            self.parser.notes.add(sender, f"{sender.text!r} is no e-mail address", hint)
            return None
        return Reply(text, sender.text.strip())

    def _notify(self, body: Node) -> Notify | None:
        to = body.get("to")
        nodes = () if to is None else (to.items if to.items is not None else (to,))
        people = tuple(found for node in nodes if (found := self._person(node)))
        source = body.get("text")
        text = self._template(source)
        if text is None or source is None:
            return None
        if self.voice is not None and not self.voice.texts:
            for name in customers_words(text.fields):
                what = f"a notice does not quote `{name}`: it leaves the portal"
                hint = "name ids, numbers and ticket.link, or set ZDSYNC_NOTIFY_TEXTS=on"
                self.parser.notes.add(Node(name, name, source.line, source.column), what, hint)
        return Notify(people, text) if people else None

    def _person(self, node: Node) -> str | FieldChoice | None:
        if not node.scalar:
            source = node.get("field")
            if source is None or not source.named:
                return None
            if source.text not in _PEOPLE:
                what = f"`{source.text}` names no agent"
                self.parser.notes.add(source, what, near(source.text, _PEOPLE))
                return None
            read = self.parser.field(source)
            if read is None:
                return None
            self.plains.append(read)
            return FieldChoice(read.name, read.raw)
        known = sorted(self.voice.targets) if self.voice else []
        # Without any target the whole setting is missing: the plan says so, rule by rule.
        if known and node.text not in known:
            what = f"no {node.text!r} under ZDSYNC_NOTIFY"
            self.parser.notes.add(node, what, near(node.text, known))
        return node.text if node.named else None

    def _template(self, node: Node | None) -> Template | None:
        found = read_template(node, self.parser) if node and node.scalar else None
        if found:
            self.plains += [one for _, one in found.fields]
        return found


def again_after(node: Node | None, notes: Notes) -> timedelta | None:
    """Read after how long a rule may speak again."""
    if node is None or node.value is None:
        return None
    span = read_duration(node.text)
    if span is None or not span:
        business = isinstance(read_span(node.text), Business)
        what = "`again_after` counts all hours" if business else f"{node.text!r} is not a duration"
        notes.add(node, what, "write 12h or 7d")
    return span


def formerly(node: Node | None, notes: Notes) -> tuple[str, ...]:
    """Read the earlier ids of a rule."""
    if node is None:
        return ()
    items = node.items if node.items is not None else (node,)
    for item in items:
        if item.scalar and not _ID.fullmatch(item.text):
            notes.add(item, f"{item.text!r} is no id of a rule", "write the id as it was")
    return tuple(item.text for item in items if item.scalar)


def check_memories(rules: Sequence[Node], notes: Notes) -> None:
    """Note former ids that are ids in use, or that two rules claim: a memory is one rule's."""
    heard = Notes(notes.file)  # each rule has noted what is wrong with its own
    ids = {id_.text for node in rules if (id_ := node.get("id"))}
    claimed: dict[str, int] = {}
    for node in rules:
        spot = node.get("formerly")
        for one in formerly(spot, heard):
            if one in ids:
                what, hint = f"{one!r} is a rule of this file", "its memory is its own"
                notes.add(spot or node, what, hint)
            elif claimed.setdefault(one, node.line) != node.line:
                what = f"two rules were {one!r} formerly"
                notes.add(spot or node, what, f"the first is on line {claimed[one]}")
