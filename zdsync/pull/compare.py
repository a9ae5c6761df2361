"""Pure decisions of reconcile: what counts prove, where to look closer, what is too much to bury.

Zoho's counts may be capped, absent, or count other classes of records than search shows
(desk-tickets.md 2 "Counts", 5 point 8): nothing here takes a count for more than it says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

from zdsync.connectors import FieldCounts
from zdsync.errors import Vanishing
from zdsync.model import Span

LEAF = 100  # reading so many rows costs no more than one count
_CAPS = frozenset({999, 1000, 1001, 4999, 5000, 5001})  # where a count may stop without a word
_SHARE = 10  # one in so many rows may vanish at once …
_FEW = 10  # … and always this many
Step = Literal["equal", "halve", "read"]


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time with the rows that Zoho counts and those that the mirror holds."""

    span: Span
    held: int
    remote: int | None
    part_of: Window | None = None  # whose count this one was reckoned from, if it was not asked

    @property
    def missing(self) -> int:
        """Rows that the mirror holds beyond what Zoho counts."""
        return 0 if self.remote is None else max(0, self.held - self.remote)


def doubtful(count: int, cap: int | None) -> bool:
    """Whether a count may stand for more than it says."""
    return count in _CAPS or (cap is not None and count >= cap)


def step(window: Window, cap: int | None) -> Step:
    """What to do about a window. `cap`: the highest count that was ever seen to be too low."""
    if window.remote is None:
        return "read"
    if window.remote == window.held and not doubtful(window.remote, cap):
        return "equal"
    useless = cap is not None and cap <= LEAF
    return "read" if useless or max(window.remote, window.held) <= LEAF else "halve"


def cap_shown(whole: int, left: int, right: int) -> int | None:
    """The cap that a count proves itself to have: its halves come to more."""
    return whole if left + right > whole else None


def too_many(vanishing: int, rows: int) -> bool:
    """Whether so many may not vanish at once (promise 4)."""
    return vanishing > _FEW and vanishing * _SHARE > rows


def refuse_to_bury(stream: str, vanishing: int, rows: int) -> None:
    """Raise Vanishing where more would vanish than is believable."""
    if too_many(vanishing, rows):
        raise Vanishing(
            f"{stream}: {vanishing:,} of {rows:,} records would vanish at once: kept all",
            "check the scopes, departments and role of the token's user; if the records are "
            f"really gone, run zdsync reconcile {stream} --accept-deletes",
        )


@dataclass(frozen=True, slots=True)
class Reading:
    """Which tickets Zoho's counts by field count beside the live ones."""

    spam: bool
    classes: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return ",".join(sorted({*self.classes, *(["spam"] if self.spam else [])}))

    @classmethod
    def of(cls, text: str) -> Reading:
        """Read what `str` wrote."""
        words = {word for word in text.split(",") if word}
        return cls("spam" in words, frozenset(words - {"spam"}))

    def held(self, types: Mapping[str, Mapping[str, int]]) -> int:
        """How many of the mirror's tickets are counted, spam apart."""
        counted = {"live", *self.classes}
        return sum(sum(types.get(one, {}).values()) for one in counted)

    def remote(self, told: FieldCounts) -> int | None:
        """How many tickets Zoho counts, spam apart."""
        if not self.spam:
            return told.total
        return None if told.spam is None else told.total - told.spam

    def agrees(self, told: FieldCounts, types: Mapping[str, Mapping[str, int]]) -> bool:
        """Whether the mirror comes to what Zoho counts, by class of status where that is sure."""
        if self.remote(told) != self.held(types):
            return False
        known_spam = sum(types.get("spam", {}).values())
        if self.spam and told.spam != known_spam:
            return True  # search may hide spam: then its classes are not known
        counted = {"live", *self.classes, *(["spam"] if self.spam else [])}
        return all(
            number == sum(types.get(one, {}).get(word, 0) for one in counted)
            for word, number in told.types.items()
        )


_BESIDE = ("archived", "trashed")
READINGS = tuple(
    Reading(spam, frozenset(beside))
    for many in range(len(_BESIDE) + 1)
    for beside in combinations(_BESIDE, many)
    for spam in (True, False)
)


def readings(told: FieldCounts, types: Mapping[str, Mapping[str, int]]) -> list[Reading]:
    """The readings under which mirror and counts agree, each telling something of its own."""
    useful = [
        one
        for one in READINGS
        if all(types.get(word) for word in one.classes) and (not one.spam or told.spam)
    ]
    return [one for one in useful if one.agrees(told, types)]
