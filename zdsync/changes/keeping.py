"""What a hold does to a decision: a field stays, and the plan says so.

Pure. Promises that a rule which a hold keeps from a field still decides it against rules below
that reassert, and that a close which is held takes its outcome, its spam mark and what its rule
says there with it. Must not read the mirror.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

from zdsync.changes.belonging import mates_of
from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.holds import FLIPPED, Hold, Holds
from zdsync.changes.matches import Ticket
from zdsync.changes.plan import Held, Plan, Shadowed
from zdsync.changes.silence import WAITS, unbacked, waits_with
from zdsync.changes.wire import GIVEN, same
from zdsync.model import Change, Scalar
from zdsync.rules.compiled import CompiledRule


@dataclass(frozen=True, slots=True)
class Keeper:
    """Keeps held fields; `kept`: (field, ticket) → the first rule in mode apply, and its value."""

    holds: Holds
    decision: Decision
    kept: dict[tuple[str, str], tuple[str, Scalar]] = field(default_factory=dict)

    def hold(
        self, rule: CompiledRule, ticket: Ticket, name: str, *, moves: bool = False
    ) -> Hold | None:
        """Find what keeps a rule from a field; a move that is planned frees what it takes away."""
        found = self.holds.on(ticket.id, name, rule)
        frees = found is not None and moves and name in GIVEN and found.reason != FLIPPED
        return None if frees else found

    def keep(self, draft: Draft, hold: Hold) -> None:
        """Leave a field as it stands, and say so where the rule wants it otherwise.

        Where a rule above wants what stands, no hold is needed to keep this one from it.
        """
        rule, ticket = draft.rule, draft.ticket
        by, value = self.kept.get((draft.field, ticket.id), ("", draft.after))
        if draft.differs and not same(value, draft.after) and same(value, draft.before):
            self.decision.shadowed.append(
                Shadowed(ticket.id, ticket.number, draft.field, rule.id, by, draft.after)
            )
            return
        if rule.mode == "apply":
            self.kept.setdefault((draft.field, ticket.id), (rule.id, draft.after))
        if not draft.differs:
            self.decision.agree(draft)
            return
        self.decision.held.append(
            Held(
                *(ticket.id, draft.field, rule.id, draft.before, ticket.number, draft.after),
                *(hold.reason, hold.told),
            )
        )

    def above(self, draft: Draft) -> tuple[str, Scalar] | None:
        """The rule above that would decide otherwise, were the field not held against it."""
        found = self.kept.get((draft.field, draft.ticket.id))
        return found if found is not None and not same(found[1], draft.after) else None


def unheld(plan: Plan, holds: Holds, reasserting: Collection[str]) -> Plan:
    """Leave out of a kept plan what is held since it was made.

    A field that was changed and put back looks as it did, so no comparison would tell.
    `reasserting`: ids of the rules that mind loops only.
    """
    found = _found(plan, holds, reasserting)
    if not found:
        return plan
    lost = [one for one in plan.changes if one.change_id in found]
    gone = [*lost, *_belonging(lost, plan.changes)]
    waits = unbacked(plan.changes, gone)
    left = {*waits, *(one.change_id for one in gone)}
    told = [_held(one, found[one.change_id]) for one in lost]
    told += [
        _waiting(one, waits[one.change_id], found.get(waits[one.change_id].change_id))
        for one in plan.changes
        if one.change_id in waits
    ]
    kept = tuple(one for one in plan.changes if one.change_id not in left)
    return replace(plan, changes=kept, held=(*plan.held, *told))


def _found(plan: Plan, holds: Holds, reasserting: Collection[str]) -> dict[str, Hold]:
    """What keeps changes of a plan away, by change id."""
    moved = {one.ticket_id for one in plan.writes if one.field == "department"}

    def hold(change: Change) -> Hold | None:
        found = holds.on(change.ticket_id, change.field)
        frees = change.field in GIVEN and change.ticket_id in moved
        minds = not frees and change.rule not in reasserting
        return found if found is not None and (minds or found.reason == FLIPPED) else None

    return {one.change_id: why for one in plan.changes if (why := hold(one)) is not None}


def _belonging(lost: Sequence[Change], every: Sequence[Change]) -> list[Change]:
    """What goes with held changes: the other half of a close, and its mark as spam."""
    closes = {(one.ticket_id, one.rule) for one in lost if one.field == "status"}
    found = [
        mate
        for ticket in dict.fromkeys(one.ticket_id for one in lost)
        for mate in mates_of(
            [one for one in lost if one.ticket_id == ticket],
            [one for one in every if one.ticket_id == ticket],
        )
    ]
    marks = (one for one in every if one.field == "spam")
    return [*found, *(one for one in marks if (one.ticket_id, one.rule) in closes)]


def _held(change: Change, hold: Hold) -> Held:
    return Held(
        *(change.ticket_id, change.field, change.rule, change.before, change.ticket_number),
        *(change.after, hold.reason, hold.told),
    )


def _waiting(change: Change, other: Change, hold: Hold | None) -> Held:
    """Something said that waits with another change, which is held or goes with a held one."""
    reason = waits_with(other.field, hold.told if hold else "its other half is held")
    place = (change.ticket_id, change.field, change.rule, change.before, change.ticket_number)
    return Held(*place, change.after, WAITS, reason)
