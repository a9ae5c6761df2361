"""Three-valued conditions: null exactly where what is not known would decide."""

from __future__ import annotations

import json
from datetime import timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.world import NOW, duck
from zdsync.rules import compile_rule, load_rules
from zdsync.rules.compiled import CompiledRule
from zdsync.sql import Sql

QUERY = duck()
FRESH = (NOW - timedelta(hours=1)).replace(tzinfo=None)
OLD = (NOW - timedelta(hours=25)).replace(tzinfo=None)

leaves = st.sampled_from(
    (
        {"priority": "High"},
        {"priority": {"known": False}},
        {"thread_count": {"gte": 2}},
        {"last_direction": "out"},
        {"last_direction": {"is_not": "out"}},
        {"attempts": {"gte": 2}},
        {"attempts": {"known": False}},
        {"replies.outbound_since_customer": {"lt": 1}},
    )
)
points = st.integers(-2, 2)


def _some(inner: Any) -> Any:
    return st.lists(inner, min_size=1, max_size=3)


conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(
            lambda kind, parts: {kind: parts}, st.sampled_from(("all", "any", "none")), _some(inner)
        ),
        st.builds(
            lambda least, of: {
                "score": {"at_least": least, "of": [{"points": p, "when": w} for p, w in of]}
            },
            points,
            _some(st.tuples(points, inner)),
        ),
    ),
    max_leaves=6,
)  # fmt: skip

COLUMNS = (
    "priority_folded, thread_count, last_direction_folded, attempts, "
    "replies_outbound_since_customer, knows_direction, knows_attempts, knows_since, row_seen_at"
)
KNOWABLE = (("\x1fin\x1f", "\x1fout\x1f", None), (0, 2, None), (0, 1))


def _compiled(when: Any) -> CompiledRule:
    rule = {"id": "r", "when": {"all": [when]}, "then": [{"set": {"category": "x"}}]}
    loaded = load_rules(json.dumps({"version": 1, "rules": [rule]}), "rules.yaml")
    assert not loaded.problems, loaded.problems
    return compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)


def _ask(sql: Sql, rows: list[tuple[Any, ...]]) -> list[bool | None]:
    marks = "(?, " + ", ".join("?" for _ in COLUMNS.split(", ")) + ")"
    listed = ", ".join(marks for _ in rows)
    params = tuple(cell for place, row in enumerate(rows) for cell in (place, *row))
    source = f" FROM (VALUES {listed}) AS t(i, {COLUMNS}) ORDER BY t.i"
    typed = Sql("SELECT " + sql.text + source, (*sql.params, *params))
    return [row[0] for row in QUERY(typed)]


@settings(max_examples=150, deadline=None)
@given(
    when=conditions,
    high=st.booleans(),
    threads=st.integers(0, 3),
    knows=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_a_verdict_is_given_only_where_no_reading_could_change_it(
    when: Any, high: bool, threads: int, knows: tuple[bool, bool, bool]
) -> None:
    rule = _compiled(when)
    if rule.judged is None:
        return
    priority = "\x1fhigh\x1f" if high else None
    present = (KNOWABLE[0][0], KNOWABLE[1][1], KNOWABLE[2][0])
    mirrored = [priority, threads, *present, *knows, FRESH]
    verdict = _ask(rule.judged, [tuple(mirrored)])[0]
    open_ = [
        values if not known else (now,)
        for values, known, now in zip(KNOWABLE, knows, present, strict=True)
    ]
    read = [(priority, threads, *values, True, True, True, FRESH) for values in product(*open_)]
    truths = set(_ask(rule.where, read))
    if verdict is not None:
        assert truths == {verdict}
    if all(knows):
        assert verdict is not None
    everything = [(*row[:5], *knows, OLD) for row in read]
    assert set(_ask(rule.judged, everything)) <= {None, *truths}


def test_a_rule_without_what_hangs_on_tickets_is_not_judged_in_three_values() -> None:
    assert _compiled({"priority": "High"}).judged is None


def test_a_row_of_yesterday_is_not_believed() -> None:
    rule = _compiled({"last_direction": "in"})
    assert rule.judged is not None
    row = [None, 1, "\x1fin\x1f", 0, 0, True, True, True]
    assert _ask(rule.judged, [(*row, FRESH), (*row, OLD)]) == [True, None]


def test_a_value_that_an_action_takes_must_be_known() -> None:
    text = (
        "version: 1\nrules:\n- id: r\n  when: {priority: High}\n"
        "  then: [{set: {category: {field: last_direction}}}]\n"
    )
    loaded = load_rules(text, "rules.yaml")
    assert not loaded.problems, loaded.problems
    rule = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
    assert rule.judged is not None
    assert "knows_direction" in rule.judged.text


def test_call_markers_are_folded_whole_words_and_can_be_set() -> None:
    rules = "rules: [{id: r, when: {attempts: {gte: 1}}, then: [{set: {category: x}}]}]"
    plain = load_rules(f"version: 1\n{rules}", "rules.yaml")
    own = load_rules(f"version: 1\nsettings: {{call_markers: [Anrüf, 'tel*']}}\n{rules}", "r.yaml")
    assert not plain.problems
    assert not own.problems
    assert own.rules.call_markers == ("\x1fanruf\x1f", "\x1ftel")
    compiled = compile_rule(plain.rules.rules[0], plain.rules, None, NOW)
    assert "\x1fcalled\x1f" in compiled.call_markers
    assert plain.rules.digest != own.rules.digest


def test_an_empty_call_marker_is_a_problem() -> None:
    text = (
        "version: 1\nsettings: {call_markers: ['*']}\n"
        "rules: [{id: r, when: {status: Open}, then: [{set: {category: x}}]}]"
    )
    (problem,) = load_rules(text, "rules.yaml").problems
    assert "empty marker" in problem.what
    assert problem.where == "rules.yaml:2:27"
