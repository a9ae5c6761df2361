"""The laws of generated SQL; tests/rules/oracle has those of its meaning."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.world import NOW, duck
from zdsync.rules import compile_rule, load_rules
from zdsync.rules.examples import _relation
from zdsync.rules.fields import RuleField, find_field
from zdsync.rules.given import Example, Expected, GivenValue
from zdsync.rules.load import Loaded
from zdsync.rules.nodes import Node
from zdsync.sql import Sql, join

QUERY = duck()

PIECES = (
    *("refill", "Refills", "réfill", "REFILL", "chat", "live chat", "livechat", "Straße"),
    *(
        "STRASSE",
        "ﬁle",
        "file",
        "ＦＩＬＥ",
        "退款",
        "请退款吧",
        "คืนเงิน",
        "ขอคืนเงินด้วย",
        "환불을",
        "환불",
    ),
    *("कर", "करना", "ё", "е", "ά", "α", "Ñandú", "nandu", "a1", "1", "é", "e\u0301"),
    *("<b>", "</b>", "<p>", "<br/>", "&amp;", "&eacute;", "<ana@b.example>", "%", "_", "?", "'"),
)
GAPS = ("", " ", " ", "-", "\n", "\u00a0", ".", ", ")
texts = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(GAPS)), max_size=5).map(
    lambda parts: "".join(piece + gap for piece, gap in parts)
)
words = st.tuples(
    st.sampled_from(("", "", "*")),
    st.sampled_from([piece for piece in PIECES if not piece.startswith(("<", "&"))]),
    st.sampled_from(("", "", "*")),
).map("".join)
TAGS = ("Billing", "billing", "UX-UI", "Résilier", "refund")
TEXT_FIELDS = ("subject", "description", "text", "email", "priority", "contact.name", "cf.cf_note")
moments = st.integers(-4000, 4000).map(lambda minutes: NOW + timedelta(minutes=minutes))
spans = st.tuples(st.integers(0, 90), st.sampled_from("mhd")).map(lambda two: f"{two[0]}{two[1]}")
numbers = st.integers(-3, 3)


def one_key(operators: Any) -> Any:
    return operators.map(lambda pair: {pair[0]: pair[1]})


def some(strategy: Any) -> Any:
    return st.lists(strategy, min_size=1, max_size=3)


text_tests = st.one_of(
    texts,
    st.none(),
    some(st.one_of(texts, st.none())),
    one_key(st.tuples(st.sampled_from(("is", "is_not")), st.one_of(texts, st.none()))),
    one_key(st.tuples(st.sampled_from(("in", "not_in")), some(st.one_of(texts, st.none())))),
    one_key(st.tuples(st.sampled_from(("contains", "not_contains")), words)),
    one_key(st.tuples(st.sampled_from(("contains_any", "contains_all")), some(words))),
    one_key(st.tuples(st.sampled_from(("starts_with", "ends_with")), st.sampled_from(PIECES[:30]))),
    one_key(st.tuples(st.just("matches"), st.sampled_from(("refill", "(?i)REF", "^l", "[0-9]$")))),
    one_key(st.tuples(st.just("known"), st.booleans())),
    one_key(st.tuples(st.just("field"), st.sampled_from(("subject", "email", "contact.name")))),
)
number_tests = st.one_of(
    numbers,
    st.none(),
    some(st.one_of(numbers, st.none())),
    one_key(st.tuples(st.sampled_from(("gt", "gte", "lt", "lte", "is_not")), numbers)),
    one_key(st.tuples(st.just("between"), st.tuples(numbers, numbers).map(list))),
    one_key(st.tuples(st.just("known"), st.booleans())),
)
flag_tests = st.one_of(
    st.booleans(), st.none(), one_key(st.tuples(st.just("is_not"), st.booleans()))
)
moment_tests = st.one_of(
    st.none(),
    one_key(st.tuples(st.sampled_from(("older_than", "newer_than")), spans)),
    one_key(st.tuples(st.just("known"), st.booleans())),
)
set_tests = st.one_of(
    one_key(st.tuples(st.just("has"), st.sampled_from(TAGS))),
    one_key(
        st.tuples(st.sampled_from(("has_any", "has_all", "has_none")), some(st.sampled_from(TAGS)))
    ),
    one_key(st.tuples(st.just("known"), st.booleans())),
)
lines = st.one_of(
    st.tuples(st.sampled_from(TEXT_FIELDS), text_tests),
    st.tuples(st.sampled_from(TEXT_FIELDS), text_tests),
    st.tuples(st.sampled_from(("thread_count", "comment_count")), number_tests),
    st.tuples(st.just("is_overdue"), flag_tests),
    st.tuples(st.sampled_from(("created", "due")), moment_tests),
    st.tuples(st.just("tags"), set_tests),
)
leaves = one_key(lines)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        one_key(st.tuples(st.sampled_from(("all", "any", "none")), some(inner))),
        st.builds(
            lambda least, of: {
                "score": {"at_least": least, "of": [{"points": p, "when": w} for p, w in of]}
            },
            numbers,
            some(st.tuples(numbers, inner)),
        ),
    ),
    max_leaves=6,
)


quick = settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def load(condition: Any) -> Loaded:
    rule = {"id": "r", "when": condition, "then": ["spam"]}
    return load_rules(json.dumps({"rules": [rule]}, ensure_ascii=False), "r.yaml")


def example(record: dict[str, Any]) -> Example:
    values: dict[str, tuple[RuleField, GivenValue]] = {}
    for name, item in record.items():
        field = find_field(name, None)
        if item is not None and isinstance(field, RuleField):
            values[name] = (field, item)
    return Example(values, Expected({}), None, Node())


@quick
@given(conditions)
def test_every_condition_is_true_or_false_never_null(condition: Any) -> None:
    loaded = load(condition)
    compiled = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
    relation = _relation(compiled, [example({})])
    select = join(" ", [Sql("SELECT"), compiled.where, Sql("FROM"), relation])
    assert QUERY(select)[0][0] in (True, False)


SECRET = "zq7x"


@quick
@given(conditions)
def test_promise_9_no_value_of_yaml_or_record_in_sql_text(condition: Any) -> None:
    marked = json.loads(json.dumps(condition))
    loaded = load(poison(marked))
    assert not loaded.problems
    compiled = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
    relation = _relation(compiled, [example({"subject": SECRET, "cf.cf_note": SECRET})])
    for sql in (compiled.where, relation, *(fold.raw for fold in compiled.folds)):
        assert SECRET not in sql.text.casefold()
        assert "'" not in sql.text.replace("''", "").replace("'|'", "").replace("', '", "")


def poison(item: Any, key: str = "") -> Any:
    """Put a mark into every text value of a condition, and into the name of the custom field."""
    if isinstance(item, dict):
        return {
            name.replace("cf_note", f"cf_{SECRET}"): poison(value, name)
            for name, value in item.items()
        }
    if isinstance(item, list):
        return [poison(value, key) for value in item]
    kept = key in ("field", "older_than", "newer_than", "at_least")
    return f"{item}{SECRET}" if isinstance(item, str) and not kept else item


def test_promise_9_holds_for_actions_and_taxonomies() -> None:
    text = f"""
taxonomies: {{x: {{label {SECRET}: [{SECRET}, "'; drop"], tag {SECRET}: ["a {SECRET}"]}}}}
rules:
  - id: r
    when: {{cf.cf_{SECRET}: {{gt: 3}}, contact.cf.{SECRET}: '{SECRET}'}}
    then:
      - set: {{category: {{lookup: cf.{SECRET}, in: {{{SECRET}: {SECRET}}}, else: {SECRET}}}}}
      - set: {{priority: {SECRET}, cf.{SECRET}: {{field: cf.other_{SECRET}}}}}
      - tag: {{from: x, at_most: 2}}
      - assign: {{field: crm.account.cf.{SECRET}, else: {SECRET}}}
"""
    loaded = load_rules(text, "r.yaml")
    assert not loaded.problems
    rule = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
    for sql in sqls(rule):
        assert SECRET not in sql.text
        assert sql.text.count("?") == len(sql.params)


def sqls(item: Any) -> list[Sql]:
    if isinstance(item, Sql):
        return [item]
    if isinstance(item, tuple):
        return [sql for part in item for sql in sqls(part)]
    slots = getattr(item, "__slots__", ())
    return [sql for slot in slots for sql in sqls(getattr(item, slot))]


def test_instants_compare_in_utc_and_custom_fields_by_their_offset() -> None:
    loaded = load({"cf.cf_when": {"before": "2026-03-01T10:00:00+02:00"}})
    compiled = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
    for given_, expected in (
        ("2026-03-01T07:59:00Z", True),
        ("2026-03-01T09:59:00+02:00", True),
        ("2026-03-01 08:00:00", False),
        ("soon", False),
    ):
        relation = _relation(compiled, [example({"cf.cf_when": given_})])
        select = join(" ", [Sql("SELECT"), compiled.where, Sql("FROM"), relation])
        assert QUERY(select)[0][0] is expected, given_


def test_durations_count_from_as_of() -> None:
    loaded = load({"created": {"older_than": "48h"}})
    early = compile_rule(
        loaded.rules.rules[0], loaded.rules, None, datetime(2026, 1, 3, tzinfo=UTC)
    )
    assert early.where.params == (datetime(2026, 1, 1),)  # noqa: DTZ001  # the mirror's naive UTC


def test_older_than_holds_at_the_very_instant_and_newer_than_does_not() -> None:
    at = {"created": NOW - timedelta(hours=48)}
    for operator, expected in (("older_than", True), ("newer_than", False)):
        loaded = load({"created": {operator: "48h"}})
        compiled = compile_rule(loaded.rules.rules[0], loaded.rules, None, NOW)
        relation = _relation(compiled, [example(at)])
        select = join(" ", [Sql("SELECT"), compiled.where, Sql("FROM"), relation])
        assert QUERY(select)[0][0] is expected
