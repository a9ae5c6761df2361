"""Names of the portal: find exactly one agent, department, team, status; judge tags.

A name that the portal does not know is sought under its other names (`settings.names`). Where the
portal is not known every name is accepted as it stands. Must not: read the mirror.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from zdsync.model import Agent, Named, Portal
from zdsync.rules.fields import custom_declaration
from zdsync.rules.nodes import Node, Notes, near

T = TypeVar("T")

# desk-tickets.md, Tags: 3 to 50 characters; letters, digits, space, `_ . - + %` and non-ASCII.
_TAG = re.compile(r"(?:[A-Za-z0-9 _.\-+%]|[^\x00-\x7f])*")
_TAG_LENGTH = (3, 50)
STATUS_TYPES = ("Open", "On Hold", "Closed")


@dataclass(frozen=True, slots=True)
class Names:
    """Looks names up in the portal and notes what it does not know."""

    portal: Portal | None
    notes: Notes
    others: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # folded name → names

    @property
    def known(self) -> bool:
        return bool(self.portal and self.portal.known)

    def agent(self, node: Node) -> Agent | None:
        """Find one agent by e-mail, id or unique name."""
        if not (self.portal and self.known and node.named):
            return None
        for wanted in self._spellings(node.text):
            for keys in (_agent_id, _agent_email, _agent_name):
                hits = [agent for agent in self.portal.agents if wanted and keys(agent) == wanted]
                if hits:
                    self._took(node, wanted, hits[0].name)
                    return self._one(node, "agent", hits, lambda agent: agent.email or agent.id)
        names = [agent.email or agent.name for agent in self.portal.agents]
        self._lacks(node, "agent", [*names, *(agent.name for agent in self.portal.agents)])
        return None

    def department(self, node: Node) -> Named | None:
        """Find one department by name or id."""
        return self._named(node, "department", self.portal.departments if self.portal else ())

    def team(self, node: Node) -> Named | None:
        """Find one team by name or id; where departments share a name, the ticket's counts."""
        teams = self.portal.teams if self.portal else ()
        same = [one for one in teams if one.name.strip().casefold() == node.text.strip().casefold()]
        if len({one.department_id for one in same}) == len(same) > 1:
            return None
        return self._named(node, "team", teams)

    def word(self, node: Node, kind: str, words: Iterable[str]) -> str:
        """Find a status, priority or channel; return the portal's spelling."""
        known = [word for word in words if word]
        if not known or not node.named:
            return node.text
        folded = {word.casefold(): word for word in known}
        for name in self._spellings(node.text):
            if name in folded:
                self._took(node, name, folded[name])
                return folded[name]
        self._lacks(node, kind, known)
        return node.text

    def value(self, field: str, node: Node) -> str:
        """Find a value of a field of the language that names something; else take it as it is."""
        portal = self.portal
        if portal is None or not portal.known:
            return node.text
        match field:
            case "assignee" | "closed_by":
                agent = self.agent(node)
                return (agent.email or "") if agent else node.text
            case "department":
                row = self.department(node)
                return row.name if row else node.text
            case "team":
                row = self.team(node)
                return row.name if row else node.text
            case "status":
                return self.word(node, "status", portal.statuses)
            case "priority":
                return self.word(node, "priority", portal.priorities)
            case "channel":
                return self.word(node, "channel", portal.channels)
        return self.option(field, node)

    def option(self, field: str, node: Node) -> str:
        """Find an option of a custom field of the ticket that takes one of several."""
        declared = custom_declaration(field, self.portal)
        if declared is None or not declared.options or declared.type.casefold() != "picklist":
            return node.text
        return self.word(node, f"option of {declared.name}", declared.options)

    def _spellings(self, text: str) -> tuple[str, ...]:
        """The name as it stands, then its other names, folded."""
        name = text.strip().casefold()
        return (name, *self.others.get(name, ()))

    def _took(self, node: Node, wanted: str, found: str) -> None:
        if wanted != node.text.strip().casefold():
            self.notes.remark(node, f"{node.text!r} is called {found!r} in this portal")

    def _lacks(self, node: Node, kind: str, known: Sequence[str]) -> None:
        hint = near(node.text, known)
        self.notes.add(node, f"no {kind} {node.text!r} in the portal", hint, "lack")

    def _named(self, node: Node, kind: str, rows: tuple[Named, ...]) -> Named | None:
        if not self.known or not node.named:
            return None
        for wanted in self._spellings(node.text):
            hits = [row for row in rows if row.id == wanted]
            hits = hits or [row for row in rows if row.name.strip().casefold() == wanted]
            if hits:
                self._took(node, wanted, hits[0].name)
                return self._one(node, kind, hits, lambda row: row.id)
        self._lacks(node, kind, [row.name for row in rows])
        return None

    def _one(self, node: Node, kind: str, hits: list[T], mark: Callable[[T], str]) -> T | None:
        if len(hits) == 1:
            return hits[0]
        marks = ", ".join(sorted(mark(hit) for hit in hits))
        what = f"{len(hits)} {kind}s are named {node.text!r}"
        self.notes.add(node, what, f"say which: {marks}", "portal")
        return None


def _agent_id(agent: Agent) -> str:
    return agent.id


def _agent_email(agent: Agent) -> str:
    return (agent.email or "").casefold()


def _agent_name(agent: Agent) -> str:
    return agent.name.strip().casefold()


def refuses_tag(tag: str) -> str:
    """Say why Zoho refuses this tag; '' where it takes it."""
    low, high = _TAG_LENGTH
    if tag.casefold() == "null":
        return "Zoho refuses the tag `null`"
    if not low <= len(tag) <= high:
        return f"Zoho refuses a tag of {len(tag)} characters: it takes {low} to {high}"
    bad = sorted(set(_TAG.sub("", tag)))
    if bad:
        return "Zoho refuses a tag with " + " ".join(bad)
    if tag != tag.strip():
        return "a tag must not begin or end with a space"
    return ""
