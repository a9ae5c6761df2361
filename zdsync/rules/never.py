"""Rules whose condition no ticket can meet.

Owns: the reasoning over the tree. All lines of a branch are looked at together; an `any` (or a
`none` within a `none`) can hold if one of its branches can, beside the lines around it; a `score`
can hold if the points of the signals that can hold reach it. Sound: see `domain`. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from zdsync.errors import Problem
from zdsync.model import Portal
from zdsync.rules.condition import Compare, Condition, Group, Score
from zdsync.rules.domain import Literal, impossible
from zdsync.rules.fields import FIELDS
from zdsync.rules.folding import fold
from zdsync.rules.load import Rule, RuleFile

_SLACK = 1e-6  # points are added as floating numbers
_TYPE = FIELDS["status_type"]
_OPEN = Compare(_TYPE, "text", "is", ("closed",), negated=True, text="scope: open")

Part = tuple[Condition, bool]  # a condition, and whether it must hold or must not


@dataclass(frozen=True, slots=True)
class Clash:
    """Why lines cannot hold together; `where` is the last of them."""

    where: str
    text: str
    what: str
    hint: str


def never_match(file: RuleFile, portal: Portal | None) -> Iterator[Problem]:
    """Yield a problem for each rule that can never match."""
    for rule in file.rules:
        clash = never(rule, portal)
        if clash is not None:
            what = f"{rule.id} can never match: {clash.what}"
            yield Problem(clash.where or rule.where, what, clash.hint, clash.text[:80], rule.id)


def never(rule: Rule, portal: Portal | None) -> Clash | None:
    """Say why no ticket meets the condition of a rule; None where one may."""
    classes = {fold(name): fold(kind) for name, kind in portal.statuses.items()} if portal else {}
    known = [Literal(_OPEN, True)] if rule.scope == "open" else []
    return _Reasoning(classes).impossible([(rule.when, True)], known)


@dataclass(frozen=True, slots=True)
class _Reasoning:
    """Knows of which class each status of the portal is, both folded."""

    classes: dict[str, str]

    def impossible(self, parts: Sequence[Part], known: Sequence[Literal]) -> Clash | None:
        """Say why parts cannot hold beside what is known."""
        literals = [*known]
        choices: list[tuple[str, list[Part]]] = []
        scores: list[tuple[Score, bool]] = []
        for part, holds in _flat(parts):
            match part:
                case Compare():
                    literals.append(Literal(part, holds))
                case Group(parts=inner):
                    inside = holds is not (part.kind == "none")
                    choices.append((part.kind, [(one, inside) for one in inner]))
                case Score():
                    scores.append((part, holds))
        clash = self._lines(literals)
        if clash is not None:
            return clash
        for kind, branches in choices:
            clash = self._choice(kind, branches, literals)
            if clash is not None:
                return clash
        found = (self._score(score, literals) if holds else None for score, holds in scores)
        return next((one for one in found if one), None)

    def _lines(self, literals: Sequence[Literal]) -> Clash | None:
        """Find the first line that cannot stand beside those before it, and which of them."""
        if not self._impossible(literals):
            return None
        for end in range(1, len(literals) + 1):
            if not self._impossible(literals[:end]):
                continue
            last = literals[end - 1]
            if self._impossible([last]):
                return _one(last)
            for earlier in reversed(literals[: end - 1]):
                if self._impossible([earlier, last]):
                    return _two(earlier, last)
            return _many(last)
        return None

    def _impossible(self, literals: Sequence[Literal]) -> bool:
        return impossible([*literals, *self._classes_of(literals)])

    def _classes_of(self, literals: Iterable[Literal]) -> Iterator[Literal]:
        """What the statuses asked for tell about the status type."""
        for one in literals:
            compare = one.compare
            if compare.field.name != "status" or not one.plain or compare.other is not None:
                continue
            if compare.operator not in ("is", "in") or None in compare.values:
                continue
            kinds = [self.classes.get(str(value)) for value in compare.values]
            if all(kinds):
                yield Literal(Compare(_TYPE, "text", "in", tuple(dict.fromkeys(kinds))), True)

    def _choice(self, kind: str, branches: list[Part], known: list[Literal]) -> Clash | None:
        clashes = [self.impossible([branch], known) for branch in branches]
        found = [one for one in clashes if one]
        if len(found) < len(branches) or not found:
            return None
        if len(found) == 1:
            return found[0]
        what = f"no branch of its `{kind}` can hold; of the first, {found[0].what}"
        return Clash(found[0].where, found[0].text, what, found[0].hint)

    def _score(self, score: Score, known: list[Literal]) -> Clash | None:
        points, clashes = 0.0, []
        for signal in score.signals:
            clash = self.impossible([(signal.when, True)], known)
            clashes += [clash] if clash else []
            points += 0.0 if clash else max(signal.points, 0.0)
        if points >= score.at_least - _SLACK:
            return None
        places = [where for signal in score.signals for where in _places(signal.when)]
        what = f"its `score` asks for {score.at_least:g} points, and the signals give {points:g}"
        more = f" ({clashes[0].what})" if clashes else ""
        return Clash(next(iter(places), ""), "", what + more, "lower `at_least`, or add signals")


def _flat(parts: Iterable[Part]) -> Iterator[Part]:
    """Spell out what must hold all together; what is left is a line, a choice or a score."""
    for part, holds in parts:
        if isinstance(part, Group):
            inside = holds is not (part.kind == "none")
            together = inside if part.kind == "all" else not inside
            if together or len(part.parts) == 1:
                yield from _flat((one, inside) for one in part.parts)
                continue
        yield part, holds


def _places(condition: Condition) -> Iterator[str]:
    match condition:
        case Compare():
            yield condition.where
        case Group(parts=parts):
            for part in parts:
                yield from _places(part)
        case Score(signals=signals):
            for signal in signals:
                yield from _places(signal.when)


def _said(one: Literal) -> str:
    return f"`{one.compare.text}`" + ("" if one.holds else " under `none`")


def _two(earlier: Literal, last: Literal) -> Clash:
    if earlier.compare is _OPEN:
        what = f"{_said(last)} asks for closed tickets, which `scope: open` leaves out"
        return Clash(last.compare.where, last.compare.text, what, "add `scope: all` to the rule")
    line = earlier.compare.where.rsplit(":", 2)[-2]
    what = f"{_said(earlier)} on line {line} and {_said(last)} cannot both hold"
    hint = "take one of them out, or put them under `any:`"
    return Clash(last.compare.where, last.compare.text, what, hint)


def _one(last: Literal) -> Clash:
    hint = (
        "look at the order of the values" if last.compare.operator == "between" else "take it out"
    )
    what = f"{_said(last)} holds of no value"
    return Clash(last.compare.where, last.compare.text, what, hint)


def _many(last: Literal) -> Clash:
    what = f"{_said(last)} leaves no value that the lines before it allow"
    hint = f"look at every line about `{last.compare.field.name}`"
    return Clash(last.compare.where, last.compare.text, what, hint)
