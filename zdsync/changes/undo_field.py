"""One field on its way back: what stands there now, whose it is, and the change that restores it.

Pure. A value that is not what zdsync wrote, or that somebody set anew since, is never written over.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from zdsync.changes.journal import Entry, brief
from zdsync.changes.plan import change_id
from zdsync.changes.undo_hands import Hand, Hands, fate, others, standing, told, took_away
from zdsync.changes.undo_look import Look
from zdsync.changes.undo_target import UNDO, Place, place_of
from zdsync.changes.wire import (
    PATCHED,
    custom_name,
    is_tag,
    planned,
    same,
    seen,
    tag_name,
    whom,
    wire,
)
from zdsync.model import Change, Portal, Row, Scalar

_DIGEST = "sha256:"  # how the journal writes a long text: what it was is not known


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one write: it goes back, it is back already, or `reason` why it stays."""

    back: bool = False
    already: bool = False
    reason: str = ""


BACK, ALREADY = Verdict(back=True), Verdict(already=True)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one ticket: a fresh look, later writes of zdsync, others' hands."""

    ticket_id: str
    look: Look
    later: Mapping[Place, tuple[Entry, ...]]
    hands: Hands
    portal: Portal

    @property
    def row(self) -> Row:
        return self.look.row or {}

    @property
    def number(self) -> str:
        return str(self.row.get("ticket_number") or "")

    def unreachable(self) -> str:
        """Why nothing of the ticket can be changed; "" where it can."""
        row = self.look.row
        if self.look.refused:
            return f"the ticket could not be read: {self.look.refused}"
        if row is None:
            return "the ticket is gone"
        if row.get("id") != self.ticket_id:  # desk-tickets.md 3: fate of merged ids on read
            return "the ticket was merged into another"
        if row.get("is_trashed") or row.get("is_deleted"):
            return "the ticket lies in the recycle bin"
        return "the ticket is archived" if row.get("is_archived") else ""

    def now(self, field: str) -> Scalar:
        """What stands there, in the words of the API."""
        if is_tag(field):
            return tag_name(field).casefold() in {name.casefold() for name in self.look.tags or ()}
        return seen(self.row, field)

    def judge(self, one: Entry, *, freed: bool = False) -> Verdict:
        """Whether a write may go back; `freed`: a move that went back may have emptied it."""
        if not _knows_before(one):
            return Verdict(reason="what stood there before is not known")
        if not self._shows(one):
            return Verdict(reason="Zoho does not show what stands there")
        now = self.now(one.field)
        fated, top = fate(one, self._later(one))
        ours = same(brief(now), planned(one, after=True))
        if same(now, planned(one, after=False)) and not (ours and fated == "stands"):
            return ALREADY
        if fated == "overwritten":
            return Verdict(reason=_again(top))
        if (ours and fated == "stands") or (freed and now is None):
            return self._unless_anew(one)
        return self._touched(one)

    def beside(self, move: Entry, field: str) -> Verdict:
        """Whether whom a moved ticket had, its agent or its team, is given back with the move.

        The run wrote nothing there: it is as it was, or Zoho emptied it with the move.
        """
        now, one = self.now(field), self.before_move(move, field)
        later, target = standing(self._later(one)), planned(one, after=False)
        if PATCHED[field][0] not in move.wire_before:  # a journal older than this
            if now is None:
                return Verdict(reason="whom the ticket had before the move is not known")
            touched = later or self._others(one)
            return self._touched(one) if touched else ALREADY
        if same(now, target):
            return ALREADY if now is None else BACK  # the move back may take it: given again
        if later and not same(planned(later[-1], after=True), target):
            return Verdict(reason=_again(later[-1]))
        # Where an undo gave it back already, somebody took it away afterwards.
        return self._touched(one) if later or now is not None else self._unless_anew(one)

    def before_move(self, move: Entry, field: str) -> Entry:
        """Whom a moved ticket had, as if the move had written it."""
        remote = move.wire_before.get(PATCHED[field][0])
        name = _name(self.portal, field, remote)
        wired = wire(field, name, remote)
        return replace(move, field=field, before=name, after=name, wire=wired, wire_before=wired)

    def left_us(self, one: Entry) -> str:
        """The agent whom a ticket would go back to and who is known to be inactive; else ""."""
        if one.field != "assignee":
            return ""
        back = planned(one, after=False)
        return next(
            (
                one.email or one.name
                for one in self.portal.agents
                if one.id == back and not one.active
            ),
            "",
        )

    def undone(self, one: Entry) -> bool:
        """Whether zdsync took a write back already."""
        return fate(one, self._later(one))[0] == "undone"

    def going_back(self, run_id: str, one: Entry) -> Change:
        """The change that restores what stood before a write of a run."""
        now, remote = self.now(one.field), planned(one, after=False)
        ours = same(brief(now), planned(one, after=True))
        before = one.after if ours else now
        wired = _wire(one.field, now)
        if one.field == "department":
            wired = {**wired, **whom(self.now("assignee"), self.now("team"))}
        return Change(
            change_id=change_id(self.ticket_id, one.field, before, one.before, UNDO),
            ticket_id=self.ticket_id,
            ticket_number=self.number,
            rule=UNDO,
            field=one.field,
            before=before,
            after=one.before,
            evidence={"run": run_id},
            mode="apply",
            wire=_wire(one.field, remote),
            wire_before=wired,
            notify=False,
            was_open=False,
        )

    def _shows(self, one: Entry) -> bool:
        """Whether a fresh look tells of the field; every key of an answer may be missing."""
        if is_tag(one.field):
            return True
        if name := custom_name(one.field):
            return name in (self.row.get("cf") or {}) or planned(one, after=True) is None
        column = {"department": "department_id", "spam": "is_spam"}.get(one.field)
        return (column or PATCHED[one.field][1]) in self.row

    def _later(self, one: Entry) -> tuple[Entry, ...]:
        return self.later.get(place_of(one), ())

    def _others(self, one: Entry) -> list[Hand]:
        return others(one, self._later(one), self.hands.get(place_of(one), ()))

    def _unless_anew(self, one: Entry) -> Verdict:
        hands = self._others(one)
        if took_away(one, hands):
            return Verdict(reason=f"set anew since {told(hands[-1], self.portal)}")
        return BACK

    def _touched(self, one: Entry) -> Verdict:
        hands = self._others(one)
        who = told(hands[-1] if hands else None, self.portal)
        return Verdict(reason=f"touched since {who}")


def _again(top: Entry) -> str:
    return f"written again by zdsync, run {top.run_id}"


def _wire(field: str, value: Scalar) -> Mapping[str, Any]:
    """Write a value that is in the words of the API already."""
    people = field == "department" or field in {"assignee", "team"}
    return (
        wire(field, value, None if value is None else str(value))
        if people
        else (wire(field, value, None))
    )


def _name(portal: Portal, field: str, remote: str | None) -> str | None:
    if field == "assignee":
        named = {agent.id: agent.email or agent.name for agent in portal.agents}
    else:
        named = {team.id: team.name for team in portal.teams}
    return named.get(remote, remote) if remote else None


def _knows_before(one: Entry) -> bool:
    """Whether the journal tells the value before: not of a long text, nor of a forgotten person."""
    if is_tag(one.field) or one.field == "spam":
        return isinstance(one.before, bool)
    name = custom_name(one.field)
    told: Mapping[str, Any] = one.wire_before.get("cf", {}) if name else one.wire_before
    key = name or ("departmentId" if one.field == "department" else PATCHED[one.field][0])
    return key in told and not str(told[key]).startswith(_DIGEST)
