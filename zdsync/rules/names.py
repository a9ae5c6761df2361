"""Names of the portal: find exactly one agent, department, team, status; judge tags.

Where the portal is not known every name is accepted as it stands. Must not: read the mirror.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from zdsync.model import Agent, Named, Portal
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

    @property
    def known(self) -> bool:
        return bool(self.portal and self.portal.known)

    def agent(self, node: Node) -> Agent | None:
        """Find one agent by e-mail, id or unique name."""
        if not (self.portal and self.known and node.named):
            return None
        wanted = node.text.strip().casefold()
        for keys in (_agent_id, _agent_email, _agent_name):
            hits = [agent for agent in self.portal.agents if wanted and keys(agent) == wanted]
            if hits:
                return self._one(node, "agent", hits, lambda agent: agent.email or agent.id)
        names = [agent.email or agent.name for agent in self.portal.agents]
        names += [agent.name for agent in self.portal.agents]
        self.notes.add(node, f"no agent {node.text!r} in the portal", near(node.text, names))
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
        hit = folded.get(node.text.strip().casefold())
        if hit is None:
            self.notes.add(node, f"no {kind} {node.text!r} in the portal", near(node.text, known))
        return hit or node.text

    def _named(self, node: Node, kind: str, rows: tuple[Named, ...]) -> Named | None:
        if not self.known or not node.named:
            return None
        wanted = node.text.strip().casefold()
        hits = [row for row in rows if row.id == wanted]
        hits = hits or [row for row in rows if row.name.strip().casefold() == wanted]
        if hits:
            return self._one(node, kind, hits, lambda row: row.id)
        names = [row.name for row in rows]
        self.notes.add(node, f"no {kind} {node.text!r} in the portal", near(node.text, names))
        return None

    def _one(self, node: Node, kind: str, hits: list[T], mark: Callable[[T], str]) -> T | None:
        if len(hits) == 1:
            return hits[0]
        marks = ", ".join(sorted(mark(hit) for hit in hits))
        self.notes.add(node, f"{len(hits)} {kind}s are named {node.text!r}", f"say which: {marks}")
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
