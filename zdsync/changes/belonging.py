"""Which changes of a ticket stand or fall together. Pure.

A close is its status and its outcome; a spam mark goes with the close of its rule; what Zoho
names in a refusal belongs to one change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zdsync.changes.wire import names
from zdsync.errors import Refused
from zdsync.model import Change, Receipt

_DONE = frozenset({"applied", "already"})


def named_by(error: Refused, changes: Iterable[Change]) -> list[Change]:
    """The changes whose field a refusal names, such as `assigneeId` or `cf.cf_outcome`."""
    words = {part for name in error.fields for part in name.replace(".", "/").split("/")}
    return [change for change in changes if names(change) & words]


def mates_of(lost: Sequence[Change], rest: Sequence[Change]) -> list[Change]:
    """Changes that make no sense without the lost ones: a close's status and its outcome."""

    def belongs(change: Change) -> bool:
        return change.field == "status" or change.field.startswith("cf.")

    rules = {change.rule for change in lost if belongs(change)}
    closing = {one.rule for one in (*lost, *rest) if one.field == "status"} & rules
    return [change for change in rest if change.rule in closing and belongs(change)]


def by_rule(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes of each rule, in their order."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        found.setdefault(change.rule, []).append(change)
    return list(found.values())


def by_unit(changes: Sequence[Change]) -> list[list[Change]]:
    """Each change alone, but a close's status with its outcome."""
    units: list[list[Change]] = []
    left = list(changes)
    while left:
        unit = [left[0], *mates_of(left[:1], left[1:])]
        left = [change for change in left if change not in unit]
        units.append(unit)
    return units


def unmarks(changes: Iterable[Change]) -> list[Change]:
    """The changes of an undo that take a mark of spam away."""
    return [change for change in changes if change.field == "spam" and not change.after]


def orphaned_marks(
    todo: Iterable[Change], receipts: Iterable[tuple[Change, Receipt]]
) -> list[Change]:
    """Spam marks whose rule was not done in full: somebody may have taken the ticket up."""
    undone = {change.rule for change, receipt in receipts if receipt.outcome not in _DONE}
    return [change for change in todo if change.field == "spam" and change.rule in undone]
