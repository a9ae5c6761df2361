"""What the journal says of a write beside the change itself: who started it, by which rule as it
stood then, and what kind of action it is. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from zdsync.changes.wire import is_tag
from zdsync.model import Change

_ACTIONS = {"assignee": "assign", "team": "assign", "department": "move", "spam": "spam"}


@dataclass(frozen=True, slots=True)
class Signature:
    """One run's hand: its command (`run` is the service) and the digests of the rules it reads.

    `closing`: names of statuses that close a ticket; `outcome`: the field that a close fills.
    """

    command: str = ""
    digest: Callable[[str], str | None] = lambda rule: None
    closing: Collection[str] = ()
    outcome: str = ""

    def under(self, changes: Iterable[Change]) -> list[dict[str, str | None]]:
        """What is added to the intent of each change; those of one ticket come together."""
        some = list(changes)
        closes = {(one.ticket_id, one.rule) for one in some if self._closes(one)}
        return [
            {
                "command": self.command,
                "rule_digest": self.digest(one.rule),
                "action": self._action(one, closes),
            }
            for one in some
        ]

    def _closes(self, change: Change) -> bool:
        return change.field == "status" and change.after in self.closing

    def _action(self, change: Change, closes: Collection[tuple[str, str]]) -> str:
        belongs = change.field in ("status", self.outcome)
        if belongs and (change.ticket_id, change.rule) in closes:
            return "close"
        if is_tag(change.field):
            return "tag"
        said = change.field.partition(":")[0]
        if said in ("comment", "reply", "notify"):
            return said
        return _ACTIONS.get(change.field, "set")
