"""Judging in three values against the second implementation: null is what nobody has read."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import hypothesis
from hypothesis import given

from tests.rules.oracle.bench import compiled_rules, example
from tests.rules.oracle.draw import LISTS, NOW, Case, Groups, cases, other_fields
from tests.rules.oracle.evaluate import World, holds
from tests.rules.world import duck
from zdsync.rules.compiled import CompiledRule
from zdsync.rules.examples import _relation
from zdsync.rules.fields import FIELDS
from zdsync.sql import Sql, join

QUERY = duck()
GROUPS: Groups = (
    ("priority", "subject", "closed_by"),
    ("thread_count", "attempts", "replies.outbound_since_customer"),
    ("created", "replies.last_inbound"),
    ("tags",),
)
# Field that hangs on a ticket → the column that says whether it was read. Those of conversations
# are believed only where the ticket's row was read within a day.
TOLD = {
    "closed_by": "knows_closed_by",
    "attempts": "knows_attempts",
    "replies.outbound_since_customer": "knows_since",
    "replies.last_inbound": "knows_inbound",
    "tags": "tags_current",
}
ALWAYS = ("tags", "closed_by")


def truth(
    condition: Mapping[str, Any], record: Mapping[str, Any], dark: set[str], world: World
) -> bool | None:
    """True, false, or None where what is dark would decide."""
    return every([one_line(key, item, record, dark, world) for key, item in condition.items()])


def one_line(
    key: str, item: Any, record: Mapping[str, Any], dark: set[str], world: World
) -> bool | None:
    if key in ("all", "any", "none"):
        parts = [truth(one, record, dark, world) for one in item]
        if key == "all":
            return every(parts)
        some = flip(every([flip(one) for one in parts]))
        return some if key == "any" else flip(some)
    if key == "score":
        sums = {Fraction(0)}
        for one in item["of"]:
            held, points = truth(one["when"], record, dark, world), Fraction(str(one["points"]))
            added = {points} if held else {Fraction(0)} if held is False else {points, Fraction(0)}
            sums = {old + new for old in sums for new in added}
        reached = {one >= Fraction(str(item["at_least"])) for one in sums}
        return reached.pop() if len(reached) == 1 else None
    return None if dark & {key, *other_fields(item)} else holds({key: item}, record, world)


def every(parts: list[bool | None]) -> bool | None:
    return False if False in parts else None if None in parts else True


def flip(one: bool | None) -> bool | None:
    return None if one is None else not one


@hypothesis.settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "80")),
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(cases(records=30, groups=GROUPS))
def test_what_was_not_read_decides_nothing_and_hides_nothing_else(case: Case) -> None:
    case = replace(case, conditions=(*case.conditions, *map(weighed, *pairs(case))))
    rules, world = compiled_rules(case), World(NOW, case.kind_of, LISTS)
    chance = random.Random(repr(case.records))
    read = [{name: chance.random() < 0.6 for name in TOLD} for _ in case.records]
    fresh = [chance.random() < 0.7 for _ in case.records]
    rows = ask(rules, case, read, fresh)
    for place, record in enumerate(case.records):
        dark = {
            name for name in TOLD if not read[place][name] or not (fresh[place] or name in ALWAYS)
        }
        for condition, rule, said in zip(case.conditions, rules, rows[place], strict=True):
            hangs = rule.judged is not None
            expected = truth(condition, record, dark if hangs else set(), world)
            assert said is expected, (condition, record, sorted(dark))


def pairs(case: Case) -> tuple[tuple[dict[str, Any], ...], tuple[dict[str, Any], ...]]:
    return case.conditions[:-1], case.conditions[1:]


def weighed(more: dict[str, Any], less: dict[str, Any]) -> dict[str, Any]:
    """A score that one condition raises and the other lowers: each may decide alone."""
    signals = [{"points": 2, "when": more}, {"points": -1.5, "when": less}]
    return {"score": {"at_least": 1, "of": signals}}


def ask(
    rules: list[CompiledRule], case: Case, read: list[dict[str, bool]], fresh: list[bool]
) -> list[tuple[Any, ...]]:
    reads = tuple(dict.fromkeys(one for rule in rules for one in rule.reads))
    knows = {one.name: one.knows for one in reads if one.hangs}
    folds = tuple({one.column: one for rule in rules for one in rule.folds}.values())
    ground = _relation(
        replace(rules[0], reads=reads, folds=folds), [example(one, None) for one in case.records]
    )
    names = list(dict.fromkeys(knows.values()))
    cells = []
    for place, seen in enumerate(zip(read, fresh, strict=True)):
        at = (NOW - timedelta(hours=1 if seen[1] else 25)).replace(tzinfo=None)
        by_column = {knows[name]: seen[0][name] for name in knows}
        row = (place, at, *(by_column[name] for name in names))
        cells.append(Sql("(" + ", ".join("?" * len(row)) + ")", row))
    listed = ", ".join(["j", "row_seen_at", *names])
    source = "(SELECT t.*, k.* EXCLUDE (j) FROM " + ground + " JOIN (VALUES " + join(", ", cells)
    source += f") AS k({listed}) ON k.j = t.i) AS t"
    asked = join(", ", [Sql("t.i"), *(rule.judged or rule.where for rule in rules)])
    rows = QUERY("SELECT " + asked + " FROM " + source)
    return [row[1:] for row in sorted(rows)]


def test_each_field_that_hangs_is_told_by_a_column_of_its_own() -> None:
    assert {name: FIELDS[name].knows for name in TOLD} == TOLD
    assert all(FIELDS[name].hangs for name in TOLD)
