"""The rules played on the mirror, two ticks and more, as if all of them were in mode apply.

Shows which rules want different values of one field of the same ticket, and which would undo each
other: the planned values are put into the temporary ground and the rules are asked again, up to
ROUNDS times. Promises to write nothing but temporary tables, to ask Zoho nothing, and to name
tickets by their number only. Must not judge what of it is wrong; `checking` does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from zdsync.changes.aftermath import put_values
from zdsync.changes.decide import decide
from zdsync.changes.drafts import Decision, Draft
from zdsync.changes.evaluate import evaluate, look
from zdsync.changes.matches import Ground, unstopped
from zdsync.changes.plan import Shadowed, Skipped
from zdsync.changes.store import Queries
from zdsync.changes.wire import is_tag, same
from zdsync.model import Portal, Scalar
from zdsync.rules.compiled import Comment, CompiledRule, Reply

ROUNDS = 4  # ticks that are played after the first
_SAMPLE = 200  # tickets of one rule, field and value that are followed further


@dataclass(frozen=True, slots=True)
class Overlap:
    """`rule` wants another value of `field` than `by`, which stands higher.

    `tickets` of `matched` are so; `number` is one of them. `field` is "" where `by` ends the list
    (`stop`), and `tags` for any tag.
    """

    rule: str
    by: str
    field: str
    tickets: int
    matched: int
    number: str


@dataclass(frozen=True, slots=True)
class Flip:
    """Rules that together bring `field` of a ticket back to what it was."""

    rules: frozenset[str]
    field: str
    number: str


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What playing showed; `unread` tickets could not be judged, `skipped` rules not be asked."""

    overlaps: tuple[Overlap, ...] = ()
    flips: tuple[Flip, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    unread: int = 0


@dataclass(slots=True)
class _History:
    """The values that each field of each ticket had, and who gave them."""

    seen: dict[tuple[str, str], list[tuple[Scalar, str]]] = field(default_factory=dict)
    flips: dict[tuple[str, frozenset[str]], Flip] = field(default_factory=dict)

    def take(self, draft: Draft) -> None:
        """Note a change; one that brings a value back makes a Flip of the rules between."""
        if same(draft.before, draft.after):
            return  # given again after a move: what it was is what it is
        values = self.seen.setdefault((draft.ticket.id, draft.field), [(draft.before, "")])
        places = [place for place, (value, _) in enumerate(values) if same(value, draft.after)]
        if places:
            rules = frozenset({draft.rule.id, *(rule for _, rule in values[places[-1] + 1 :])})
            known = self.flips.get((draft.field, rules))
            numbers = [draft.ticket.number, *([known.number] if known else [])]
            number = min(numbers, key=_by_number)
            self.flips[draft.field, rules] = Flip(rules, draft.field, number)
        values.append((draft.after, draft.rule.id))


def rehearse(
    mirror: Queries,
    rules: Iterable[CompiledRule],
    portal: Portal,
    *,
    as_of: datetime,
    unready: Mapping[str, str],
    owner_map: Mapping[str, str],
) -> Rehearsal:
    """Play the rules on the mirror as it is.

    `unready`: stream → why nothing can be said of rules that read it. Rules in mode off are left
    out.
    """
    played = [replace(rule, mode="apply") for rule in rules if rule.mode != "off"]
    first = evaluate(
        mirror, played, portal, as_of=as_of, rules_digest="", unready=unready, owner_map=owner_map
    )
    asked = [some.rule for some in first.ground.matches]
    decision = decide(first.ground, first.resolver)
    overlaps = [*_overlaps(first.ground, decision), *_ended(first.ground)]
    ground, history = first.ground, _History()
    for _ in range(ROUNDS):
        spoken = _spoken(ground)
        drafts = _sample([one for one in decision.drafts if one.ticket.id not in spoken])
        for draft in drafts:
            history.take(draft)
        if not drafts or not put_values(mirror, asked, drafts, portal, as_of):
            break
        ground, resolver = look(mirror, asked, portal, owner_map, whole=True)
        decision = decide(ground, resolver)
    needs = {*first.needs.tags, *first.needs.rows, *first.needs.conversations}
    flips = tuple(history.flips.values())
    return Rehearsal(tuple(overlaps), flips, first.skipped, len(needs))


def _spoken(ground: Ground) -> set[str]:
    """Tickets whose conversation would go on, where rules read it: no telling what comes next."""
    if not any("conversation" in some.rule.hangs for some in ground.matches):
        return set()
    return {
        row[0]
        for some in ground.matches
        if any(isinstance(action, Comment | Reply) for action in some.rule.actions)
        for row in some.rows
    }


def _overlaps(ground: Ground, decision: Decision) -> Iterator[Overlap]:
    found: dict[tuple[str, str, str], dict[str, Shadowed]] = defaultdict(dict)
    for one in decision.shadowed:
        name = "tags" if is_tag(one.field) else one.field
        found[one.rule, one.by, name].setdefault(one.ticket_id, one)
    matched = {some.rule.id: len(some.rows) for some in unstopped(ground)}
    for (rule, by, name), tickets in found.items():
        number = min((one.ticket_number for one in tickets.values()), key=_by_number)
        yield Overlap(rule, by, name, len(tickets), matched[rule], number)


def _ended(ground: Ground) -> Iterator[Overlap]:
    """Rules whose tickets are all taken from them by a `stop` above."""
    reached = {some.rule.id: some.rows for some in unstopped(ground)}
    stopped: dict[str, str] = {}  # ticket → the rule that ended its list
    for some in ground.matches:
        rule, rows = some.rule, some.rows
        if rows and not reached[rule.id]:
            number = min((ground.tickets[row[0]].number for row in rows), key=_by_number)
            yield Overlap(rule.id, stopped[rows[0][0]], "", len(rows), len(rows), number)
        if rule.stop:
            for row in rows:
                stopped.setdefault(row[0], rule.id)


def _by_number(number: str) -> tuple[int, str]:
    return len(number), number


def _sample(drafts: Sequence[Draft]) -> list[Draft]:
    """A few tickets of each kind of change, with all changes of those tickets."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    kept: set[str] = set()
    for draft in drafts:
        key = (draft.rule.id, draft.field, str(draft.after))
        counts[key] += 1
        if counts[key] <= _SAMPLE:
            kept.add(draft.ticket.id)
    return [draft for draft in drafts if draft.ticket.id in kept]
