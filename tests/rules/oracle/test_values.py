"""Promise 9: no value of a rules file or of a record ever stands in the text of a statement."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import duckdb
import hypothesis
import pytest
from hypothesis import Phase, given

from tests.conftest import FakeClock
from tests.rules.oracle.draw import NOW, Case, cases
from tests.rules.oracle.marks import SIGN, Marks, given_away
from tests.rules.oracle.mirrored import GROUPS, empty, fill
from tests.rules.oracle.spelling import rules_file
from zdsync.changes import evaluate
from zdsync.mirror import Mirror
from zdsync.rules import compile_rule, load_rules, run_examples
from zdsync.rules.load import Loaded
from zdsync.sql import Sql

few = hypothesis.settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "80")) // 6,
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(hypothesis.HealthCheck),
)
HEAD = f"""
settings:
  calendars:
    office {SIGN}:
      timezone: Europe/Berlin
      hours: {{mon-fri: "09:07-17:53"}}
      holidays: [1987-06-05]
    hotline {SIGN}: {{timezone: UTC, hours: always}}
  departments: {{'IT {SIGN}': hotline {SIGN}, "S' {SIGN}": office {SIGN}}}
  call_markers: [rang {SIGN}, "{SIGN}'; drop*"]
taxonomies:
  area {SIGN}:
    label {SIGN}: [{SIGN}1, "'; drop {SIGN}"]
    X/Y: {{tag: tag {SIGN}, words: ["*{SIGN}*"]}}
"""
# Each a list of actions; `%s` is a mark of its own.
ACTIONS = (
    "[{assign: {field: contact.owner, else: {field: contact.cf.own_%s, else: {team: Desk %s}}}}]",
    "[{assign: agent-%s@x.example}, {move: IT %s}]",
    "[{set: {category: 'c %s', classification: null, cf.out_%s: {field: cf.in_%s}}}]",
    "[{set: {priority: {lookup: account.sla_tier, in: {'G %s': 'P %s', '%s': 3}, else: '%s'}}}]",
    "[{set: {cf.n_%s: {lookup: crm.account.cf.k_%s, in: {'7000%s': 7000999}}, status: 'S %s'}}]",
    "[{tag: [t %s, u %s]}, {tag: {remove: [v %s]}}]",
    f"[{{tag: {{from: area {SIGN}, search: [subject, text, cf.body_%s], at_most: 2}}}}]",
    "[{close: {outcome: 'o %s', status: 's %s', notify_contact: false}}]",
    "[{comment: 'c %s {{ subject }} {{ cf.text_%s }} {% if status == \"x %s\" %}y{% endif %}'}]",
    "[{reply: {template: 'r %s {{ contact.name }}', from: 'a-%s@x.example'}}]",
    "[{notify: {to: 'ops-%s', text: 'n %s {{ ticket.number }}'}}]",
    "[spam]",
)
EXAMPLES = """
    examples:
      - given: {subject: 'a %s', cf.out_%s: b %s, tags: [t %s], thread_count: 7000123}
        expect: {tags: {add: [x %s]}, category: y %s, cf.cf_outcome: z %s}
        at: 1987-06-05T04:03:02Z
      - given: {description: "'; drop %s", department: IT %s, created: 1987-06-05}
        expect: nothing
"""


def marked_file(case: Case) -> str:
    """A rules file with a mark in every place where a value can stand."""
    marks = Marks()
    conditions = [marks.condition(condition) for condition in case.conditions]
    many = [*conditions]
    while len(many) < len(ACTIONS):
        many.append({"any": [{"subject": {"known": True}}, *conditions[:1]]})
    text = rules_file(many, marks.lists(), seed=len(repr(conditions)), head=HEAD)
    parts = text.split("    then: [spam]\n")
    found = parts[0]
    for place, part in enumerate(parts[1:]):
        found = found.replace(f"- id: r{place}\n", f"- id: r{place}-{SIGN}\n    why: 'w {SIGN}'\n")
        actions = filled(ACTIONS[place % len(ACTIONS)], marks)
        found += f"    mode: apply\n    then: {actions}{filled(EXAMPLES, marks)}{part}"
    return found


def filled(text: str, marks: Marks) -> str:
    while "%s" in text:
        text = text.replace("%s", marks.word(), 1)
    return text


def loaded(case: Case) -> Loaded:
    found = load_rules(marked_file(case), "r.yaml")
    assert not found.problems, found.problems
    return found


@few
@given(cases(records=1))
def test_no_value_of_the_file_stands_in_a_statement(case: Case) -> None:
    found = loaded(case)
    connection = duckdb.connect()
    texts: list[str] = []

    def query(sql: Sql) -> list[tuple[Any, ...]]:
        texts.append(sql.text)
        return connection.execute(sql.text, list(sql.params)).fetchall()

    run_examples(found.rules, None, query, NOW)
    for rule in found.rules.rules:
        compiled = compile_rule(rule, found.rules, None, NOW)
        every = sqls(compiled)
        assert all(one.text.count("?") == len(one.params) for one in every)
        texts += [one.text for one in every]
    assert len(texts) > 40
    assert given_away(texts) == []


def sqls(item: Any) -> list[Sql]:
    """Every piece of SQL inside of what a rule becomes."""
    if isinstance(item, Sql):
        return [item]
    if isinstance(item, tuple):
        return [sql for part in item for sql in sqls(part)]
    slots = getattr(item, "__slots__", ())
    return [sql for slot in slots for sql in sqls(getattr(item, slot, None))]


class Overheard:
    """DuckDB's connection, and the text of all that is asked of it."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.texts: list[str] = []

    def execute(self, text: str, params: Any = None) -> Any:
        self.texts.append(text)
        return self.connection.execute(text, params)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mirror]:
    path = tmp_path_factory.mktemp("values") / "private" / "work.duckdb"
    options = {"sla_tier_field": "SLA_Tier", "crm": "on"}
    with Mirror.open(path, memory="512MB", options=options, clock=FakeClock(NOW)) as opened:
        heard: Any = Overheard(opened._database._connection)
        opened._database._connection = heard
        yield opened


@few
@given(cases(records=15, groups=GROUPS))
def test_no_value_of_a_record_stands_in_a_statement_of_a_plan(mirror: Mirror, case: Case) -> None:
    marks = Marks()
    heard: Any = mirror._database._connection
    heard.texts.clear()
    empty(mirror)
    fill(mirror, [{"subject": "s", "description": "<p>é", **marks.record(r)} for r in case.records])
    rules = loaded(case).rules
    compiled = [compile_rule(rule, rules, None, NOW) for rule in rules.rules]
    plan = evaluate(mirror, compiled, mirror.portal(), as_of=NOW, rules_digest=rules.digest).plan()
    assert plan.changes
    assert SIGN in json.dumps([dict(one.evidence) for one in plan.changes], default=str)
    assert len(heard.texts) > 30
    assert given_away(heard.texts) == []


def test_a_mark_in_a_statement_is_seen() -> None:
    bound = ["SELECT t.x = ? FROM t", 'SELECT x, 1 FROM "cf_8a7f"']
    told = ["SELECT 'ZQ7X12'", "SELECT x > 7000123.5", "SELECT TIMESTAMP '1987-06-05'"]
    assert given_away([*bound, *told]) == told
