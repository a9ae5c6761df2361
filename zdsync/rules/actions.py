"""Nodes → actions: names resolved in the portal, values written as SQL where a field is read.

The shape was checked by `models`; here every name, tag and field is. Notes each problem at its
token. Must not: decide what changes a ticket (that is `changes`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from zdsync.model import Portal, Scalar, Voice
from zdsync.rules.compile import folded
from zdsync.rules.compiled import (
    Action,
    AgentChoice,
    AmongChoice,
    Assign,
    Choice,
    Close,
    Const,
    FieldChoice,
    FieldValue,
    Lookup,
    Move,
    Nobody,
    SetField,
    Spam,
    Tags,
    TeamChoice,
)
from zdsync.rules.due import read_due, refuse_moving
from zdsync.rules.fields import SETTABLE, RuleField
from zdsync.rules.folding import exactly, fold
from zdsync.rules.names import Names
from zdsync.rules.nodes import Node, Notes, near
from zdsync.rules.parse import Parser
from zdsync.rules.speech import SpeechReader
from zdsync.rules.taxonomy import Taxonomy, check_tag, taxonomy_tags
from zdsync.sql import Sql, join, value

_CHOICES = ("field", "else", "team", "among")


@dataclass(slots=True)
class ActionReader:
    """Reads the actions of one rule; `texts` and `plains` gather the fields that they read."""

    portal: Portal | None
    notes: Notes
    names: Names
    parser: Parser
    taxonomies: Mapping[str, Taxonomy]
    voice: Voice | None = None
    texts: list[RuleField] = field(default_factory=list)
    plains: list[RuleField] = field(default_factory=list)
    speech: SpeechReader = field(init=False)

    def __post_init__(self) -> None:
        self.speech = SpeechReader(self.parser, self.voice, self.plains)

    def read(self, node: Node) -> list[Action]:
        """Read one item of `then`; what the shape check refused is passed over where it stands."""
        if node.pairs is None:
            return [Spam()] if node.text == "spam" else []
        if len(node.pairs) != 1:
            return []
        key, body = node.pairs[0]
        match key.text:
            case "assign":
                choices = tuple(self._choices(body))
                return [Assign(choices)] if choices else []
            case "set":
                pairs = [self._set(name, inner) for name, inner in body.pairs or ()]
                return [action for action in pairs if action is not None]
            case "tag":
                return self._tag(body)
            case "move":
                place = self.names.department(body)
                return [Move(place.name if place else body.text, place)]
            case "close":
                return [self._close(body)]
            case "spam":
                return [Spam()]
            case "comment" | "reply" | "notify":
                return self.speech.read(key, body)
        return []

    def _choices(self, node: Node) -> list[Choice]:
        if node.items is not None:
            return []
        if node.scalar:
            return self._agent(node)
        source, team = node.get("field"), node.get("team")
        if among := node.get("among"):
            return self._among(among)
        if team is not None:
            return [TeamChoice(team.text, self.names.team(team))]
        read = self._text_field(source) if source else None
        fallback = node.get("else")
        rest = self._else(fallback) if fallback else []
        return [FieldChoice(read.name, read.raw), *rest] if read else rest

    def _among(self, node: Node) -> list[Choice]:
        names = node.items or ()
        if not names or not all(item.named and item.text.strip() for item in names):
            self.notes.add(node, "`among` takes a list of agents", "write [a@…, b@…]")
            return []
        return [AmongChoice(tuple((one.text, self.names.agent(one)) for one in names))]

    def _else(self, node: Node) -> list[Choice]:
        # `models` takes anything here: its keys are looked at now.
        for key, _ in node.pairs or ():
            if key.text not in _CHOICES:
                self.notes.add(key, f"unknown key `{key.text}`", near(key.text, _CHOICES))
        if node.items is not None or node.pairs == ():
            self.notes.add(node, "takes an agent, `nobody`, or field, team, among")
        return self._choices(node)

    def _agent(self, node: Node) -> list[Choice]:
        if node.text.strip().casefold() == "nobody":
            return [Nobody()]
        if not node.text.strip() or node.value is None:
            self.notes.add(node, "no agent is named", "to empty the assignee write `nobody`")
            return []
        return [AgentChoice(node.text, self.names.agent(node))]

    def _text_field(self, node: Node) -> RuleField | None:
        """Find a field whose value is taken as text."""
        found = self.parser.field(node) if node.named else None
        if found is None:
            return None
        if found.kind not in ("text", "any"):
            self.notes.add(node, f"`{node.text}` is not text", "name a field that holds text")
            return None
        self.plains.append(found)
        return found

    def _set(self, key: Node, body: Node) -> SetField | None:
        if not self._settable(key):
            return None
        if body.items is not None:
            return None
        if key.text == "due":
            return read_due(body, self.parser, self.texts, self.plains)
        if body.scalar:
            refuse_moving(key, body, self.parser)
            known = self._known_value(key, body)
            return SetField(key.text, Const(known), _text(known), Sql("true"))
        source = body.get("field")
        if source is not None:
            read = self._text_field(source)
            if read is None:
                return None
            filled = "coalesce(" + read.raw + ", '') <> ''"
            return SetField(key.text, FieldValue(read.name, read.raw), read.raw, "(" + filled + ")")
        return self._lookup(key, body)

    def _settable(self, key: Node) -> bool:
        if key.text.startswith("cf."):
            return self.parser.field(key) is not None
        if key.text in SETTABLE:
            return True
        others = {"assignee": "assign", "team": "assign", "department": "move", "tags": "tag"}
        better = others.get(key.text)
        hint = f"use `{better}:`" if better else near(key.text, [*SETTABLE, "cf.…"])
        self.notes.add(key, f"`{key.text}` cannot be set", hint)
        return False

    def _lookup(self, key: Node, body: Node) -> SetField | None:
        source = body.get("lookup")
        read = self._text_field(source) if source else None
        table = self._table(key, body.get("in"))
        miss, lower = body.get("else"), body.get("never_lower")
        default = None if miss is None else self._known_value(key, miss)
        never_lower = bool(lower and lower.value)
        if never_lower and key.text != "priority":
            self.notes.add(lower or body, "`never_lower` is for priority only", "delete it")
        if read is None:
            return None
        self.texts.append(read)
        lookup = Lookup(read.name, folded(read), table, default, miss is not None)
        return _looked_up(key.text, lookup, never_lower)

    def _table(self, key: Node, node: Node | None) -> dict[str, Scalar]:
        table: dict[str, Scalar] = {}
        for name, wanted in (node.pairs if node else None) or ():
            spelt = exactly(fold(name.text))
            if spelt in table:
                self.notes.add(name, f"{name.text!r} stands twice", "case does not matter here")
            table[spelt] = self._known_value(key, wanted)
        return table

    def _known_value(self, key: Node, node: Node) -> Scalar:
        """Check a value against what the portal offers for this field."""
        if not node.named:
            if key.text in ("status", "priority") and node.value is not None:
                self.notes.add(node, f"`{key.text}` takes a word", "put it in quotes")
            if key.text == "status" and node.value is None:
                self.notes.add(node, "the status cannot be empty", "name a status")
            return node.value
        if key.text == "status":
            return self._status(node)
        if key.text == "priority" or key.text.startswith("cf."):
            return self.names.value(key.text, node)
        return node.text

    def _status(self, node: Node) -> str:
        portal = self.portal
        if portal is None or not portal.known:
            return node.text
        name = self.names.word(node, "status", portal.statuses)
        if portal.statuses.get(name, "").casefold() == "closed":
            self.notes.add(node, f"the status {name!r} closes a ticket", "use `close:`", "portal")
        return name

    def _tag(self, body: Node) -> list[Action]:
        source = body.get("from")
        if source is not None:
            return self._taxonomy(source, body)
        if body.items is not None:
            return [Tags(add=self._tags(body))]
        add, remove = self._tags(body.get("add")), self._tags(body.get("remove"))
        if body.pairs is None:
            return []
        both = {tag.casefold() for tag in add} & {tag.casefold() for tag in remove}
        if both or not (add or remove):
            what = "a tag is added and removed" if both else "no tag is named"
            self.notes.add(body, what, "name tags under `add` or `remove`")
        return [Tags(add, remove)]

    def _tags(self, node: Node | None) -> tuple[str, ...]:
        items = (node.items if node else None) or ()
        for item in items:
            check_tag(item, self.notes)
        return tuple(dict.fromkeys(item.text for item in items))

    def _taxonomy(self, source: Node, body: Node) -> list[Action]:
        taxonomy = self.taxonomies.get(source.text)
        if taxonomy is None:
            hint = near(source.text, list(self.taxonomies), "name it under `taxonomies`")
            self.notes.add(source, f"no taxonomy {source.text!r}", hint)
        search = body.get("search")
        names = (search.items if search else None) or (
            Node("subject", "subject"),
            Node("description", "description"),
        )
        fields = tuple(found for found in map(self._text_field, names) if found)
        at_most = body.get("at_most")
        most = at_most.value if at_most and isinstance(at_most.value, int) else 3
        self.texts += fields
        if taxonomy is None or not fields:
            return []
        return [Tags(taxonomy=taxonomy_tags(taxonomy, fields, most))]

    def _close(self, body: Node) -> Close:
        outcome, status, notify = (
            body.get("outcome"),
            body.get("status"),
            body.get("notify_contact"),
        )
        portal = self.portal
        name = status.text if status else None
        if status and portal and portal.known:
            name = self.names.word(status, "status", portal.statuses)
            if name in portal.statuses and portal.statuses[name].casefold() != "closed":
                closed = [
                    key for key, kind in portal.statuses.items() if kind.casefold() == "closed"
                ]
                what = f"the status {name!r} does not close"
                self.notes.add(status, what, near(name, closed), "portal")
        return Close(
            self._outcome(outcome) if outcome else None,
            name,
            True if notify is None else bool(notify.value),
        )

    def _outcome(self, node: Node) -> str:
        return self.names.option(self.portal.outcome_field, node) if self.portal else node.text


def _looked_up(name: str, lookup: Lookup, never_lower: bool) -> SetField:
    cases = [
        "WHEN " + value(key) + " THEN " + _text(wanted) for key, wanted in lookup.table.items()
    ]
    wanted = (
        "CASE " + lookup.key + " " + join(" ", cases) + " ELSE " + _text(lookup.default) + " END"
    )
    decides = "(coalesce(" + lookup.key + ", '') <> '')"
    if not lookup.has_default:
        keys = [value(key) for key in lookup.table]
        decides = "coalesce(" + lookup.key + " IN (" + join(", ", keys) + "), false)"
    return SetField(name, lookup, wanted, decides, never_lower)


def _text(item: Scalar) -> Sql:
    if isinstance(item, bool):
        item = "true" if item else "false"
    return "CAST(" + value(None if item is None else str(item)) + " AS VARCHAR)"
