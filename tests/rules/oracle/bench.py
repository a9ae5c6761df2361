"""The program's side: YAML → parse → compile → DuckDB, many records a query."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.rules.oracle.draw import DECLARED, LISTS, NOW, Case
from tests.rules.oracle.evaluate import World, holds
from tests.rules.oracle.spelling import rules_file
from zdsync.model import CustomField, Portal
from zdsync.rules import CompiledRule, compile_rule, load_rules
from zdsync.rules.examples import _relation
from zdsync.rules.fields import RuleField, find_field
from zdsync.rules.given import Example, Expected
from zdsync.rules.nodes import Node
from zdsync.sql import Sql, join

TYPES = {"text": "Textarea", "number": "Decimal", "bool": "Boolean", "instant": "DateTime"}
PORTAL = Portal(
    known=False,
    ticket_fields=tuple(
        CustomField(name.removeprefix("cf."), TYPES[kind]) for name, kind in DECLARED.items()
    ),
)
Query = Callable[[Sql], list[tuple[Any, ...]]]


def compiled_rules(case: Case) -> list[CompiledRule]:
    portal = PORTAL if case.declared else None
    text = rules_file(
        case.conditions, LISTS, seed=random.Random(repr(case.conditions)).getrandbits(32)
    )
    loaded = load_rules(text, "r.yaml", portal)
    assert not loaded.problems, (loaded.problems, text)
    assert len(loaded.rules.rules) == len(case.conditions)
    return [compile_rule(rule, loaded.rules, portal, NOW) for rule in loaded.rules.rules]


def example(record: dict[str, Any], portal: Portal | None) -> Example:
    values = {}
    for name, item in record.items():
        found = find_field(name, portal)
        assert isinstance(found, RuleField)
        if item is not None:
            values[found.name] = (found, item)
    return Example(values, Expected({}), None, Node())


def asked(
    rules: Sequence[CompiledRule],
    records: Sequence[dict[str, Any]],
    query: Query,
    portal: Portal | None,
) -> list[tuple[Any, ...]]:
    """A row a record, a cell a rule."""
    reads = tuple(dict.fromkeys(one for rule in rules for one in rule.reads))
    folds = tuple({one.column: one for rule in rules for one in rule.folds}.values())
    ground = replace(rules[0], reads=reads, folds=folds)
    relation = _relation(ground, [example(record, portal) for record in records])
    columns = join(", ", [Sql("t.i"), *(rule.where for rule in rules)])
    rows = query(join(" ", [Sql("SELECT"), columns, Sql("FROM"), relation]))
    return [row[1:] for row in sorted(rows, key=lambda row: int(row[0]))]


def disagreement(case: Case, query: Query) -> tuple[Any, ...] | None:
    """The first pair of condition and record that is judged in two ways."""
    portal = PORTAL if case.declared else None
    world = World(NOW, case.kind_of, LISTS)
    answers = asked(compiled_rules(case), case.records, query, portal)
    for record, row in zip(case.records, answers, strict=True):
        for condition, said in zip(case.conditions, row, strict=True):
            expected = holds(condition, record, world)
            if said is not expected:
                return condition, record, f"SQL says {said}, the page {expected}"
    return None
