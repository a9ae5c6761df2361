"""Which rules quarrel on the mirror, in the words of `zdsync check`, and what could not be played.

Tickets are named by number only. Rules that bring a field back and forth are problems. Two
rules that want different values are a note: the first wins, which the language promises and the
plan shows as shadowed; so it may well be meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from zdsync.changes import Rehearsal, rehearse
from zdsync.errors import Problem
from zdsync.mirror import Mirror
from zdsync.model import Portal
from zdsync.rules import CompiledRule, RuleFile
from zdsync.streams import STREAMS

Play = Callable[[Sequence[CompiledRule]], Rehearsal]


def player(mirror: Mirror, portal: Portal, now: datetime, owner_map: Mapping[str, str]) -> Play:
    """Return what plays rules on a mirror; those that read a stream never fully read are left."""
    unready = {
        spec.name: f"{spec.name} was never fully read"
        for spec in STREAMS
        if (portal.crm or spec.system != "crm") and not mirror.cursor(spec.name).complete
    }

    def play(rules: Sequence[CompiledRule]) -> Rehearsal:
        return rehearse(mirror, rules, portal, as_of=now, unready=unready, owner_map=owner_map)

    return play


def flips(played: Rehearsal, rules: RuleFile) -> Iterator[Problem]:
    """Rules that would undo each other on the next tick."""
    for one in played.flips:
        some = [rule for rule in rules.rules if rule.id in one.rules]
        *others, last = (rule.id for rule in some)
        who = f"{', '.join(others)} and {last} undo each other" if others else last
        who += "" if others else " undoes what it did"
        what = f"{who}: `{one.field}` of ticket {one.number} would come back to what it was"
        hint = "let one of them ask for more, such as a tag, or `status_since: {older_than: 1d}`"
        yield Problem(some[-1].where, what, hint, some[-1].id, some[-1].id)


def overlaps(played: Rehearsal, rules: RuleFile) -> Iterator[Problem]:
    """Rules that decide the same field of the same tickets differently, as notes."""
    known = {rule.id: rule for rule in rules.rules}
    for one in played.overlaps:
        if not one.field:
            what = f"`stop` of {one.by} ends the list for {_all(one.matched)} of {one.rule}"
        elif one.tickets == one.matched:
            what = (
                f"{one.rule} never decides `{one.field}`: {one.by}, above it, wants another value"
            )
            what += f" for {_all(one.matched)} of it"
        else:
            what = f"{one.by} and {one.rule} want different values of `{one.field}`"
            what += f" for {_count(one.tickets)}"
        rule, by = known[one.rule], known[one.by]
        once = " once it is in mode apply" if (by.mode, rule.mode) == ("plan", "apply") else ""
        hint = f"{one.by} wins{once}; to change that move {one.rule} up, or narrow one of them"
        yield Problem(rule.where, f"{what}, such as {one.number}", hint, one.rule, one.rule)


def _count(tickets: int) -> str:
    return f"{tickets} ticket{'' if tickets == 1 else 's'}"


def _all(tickets: int) -> str:
    return "the only ticket" if tickets == 1 else f"all {tickets} tickets"


def unplayed(played: Rehearsal) -> Iterator[str]:
    """What could not be played, in sentences."""
    reasons: dict[str, list[str]] = {}
    for one in played.skipped:
        reasons.setdefault(one.reason, []).append(one.rule)
    for reason, rules in reasons.items():
        verb = "quarrels" if len(rules) == 1 else "quarrel"
        yield f"whether {', '.join(rules)} {verb} with others: {reason}"
    if played.unread:
        count = played.unread
        yield f"quarrels over {count} tickets whose tags or conversation were not read"
