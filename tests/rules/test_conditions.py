"""Conditions through the compiled SQL, law by law; `oracle` compares them at random."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.rules.oracle.bench import PORTAL, asked
from tests.rules.oracle.spelling import rules_file
from tests.rules.world import NOW, duck
from zdsync.rules import compile_rule, load_rules
from zdsync.rules.compiled import CompiledRule

QUERY = duck()


def compiled(condition: Any, as_of: datetime = NOW) -> CompiledRule:
    loaded = load_rules(rules_file([condition], {}), "r.yaml", PORTAL)
    assert not loaded.problems
    return compile_rule(loaded.rules.rules[0], loaded.rules, PORTAL, as_of)


def said(condition: Any, record: dict[str, Any]) -> Any:
    return asked([compiled(condition)], [record], QUERY, PORTAL)[0][0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-03-01T07:59:00Z", True),
        ("2026-03-01T09:59:00+02:00", True),
        ("2026-03-01 08:00:00", False),
        ("soon", False),
    ],
)
def test_instants_compare_in_utc_and_custom_fields_by_their_offset(
    given: str, expected: bool
) -> None:
    condition = {"cf.cf_when": {"before": "2026-03-01T10:00:00+02:00"}}
    assert said(condition, {"cf.cf_when": given}) is expected


def test_durations_count_from_as_of() -> None:
    early = compiled({"created": {"older_than": "48h"}}, datetime(2026, 1, 3, tzinfo=UTC))
    assert early.where.params == (datetime(2026, 1, 1),)  # noqa: DTZ001  # the mirror's naive UTC


def test_older_than_holds_at_the_very_instant_and_newer_than_does_not() -> None:
    at = {"created": NOW - timedelta(hours=48)}
    assert said({"created": {"older_than": "48h"}}, at) is True
    assert said({"created": {"newer_than": "48h"}}, at) is False


@pytest.mark.parametrize("word", ["nan", "inf", "-Infinity", "1e400"])
def test_a_word_that_duckdb_takes_for_a_number_is_no_number(word: str) -> None:
    assert said({"cf.cf_num": {"gt": 3}}, {"cf.cf_num": word}) is False
    assert said({"cf.cf_num": {"lt": 3}}, {"cf.cf_num": word}) is False
    assert said({"cf.cf_num": None}, {"cf.cf_num": word}) is True


@pytest.mark.parametrize("listed", [[None, 3], [3, None]])
def test_null_in_a_list_does_not_decide_how_the_others_are_read(listed: list[Any]) -> None:
    assert said({"contact.cf.a": listed}, {"contact.cf.a": "3.0"}) is True
    assert said({"contact.cf.a": listed}, {}) is True
    assert said({"contact.cf.a": listed}, {"contact.cf.a": "4"}) is False


def test_points_add_up_as_a_person_adds() -> None:
    signals = [{"points": one, "when": {"subject": "a"}} for one in (0.1, 0.7)]
    assert 0.1 + 0.7 < 0.8
    assert said({"score": {"at_least": 0.8, "of": signals}}, {"subject": "a"}) is True
    assert said({"score": {"at_least": 0.81, "of": signals}}, {"subject": "a"}) is False


def test_a_pattern_sees_the_raw_text_and_both_parts_of_it() -> None:
    record = {"subject": "", "description": "<b>Refill"}
    assert said({"text": {"matches": "^<b>R"}}, record) is True
    assert said({"text": {"matches": "refill"}}, record) is False


def test_empty_and_missing_are_one_and_negations_hold_of_them() -> None:
    for empty in ({}, {"subject": ""}, {"subject": " <br>&nbsp;"}):
        assert said({"subject": None}, empty) is True
        assert said({"subject": {"known": False}}, empty) is True
        assert said({"subject": {"not_contains": "a"}}, empty) is True
        assert said({"subject": {"is_not": "a", "not_in": ["b"]}}, empty) is True
        assert said({"none": [{"subject": {"contains": "a"}}]}, empty) is True
        assert said({"subject": {"contains": "a"}}, empty) is False
        assert said({"subject": {"field": "email"}}, empty) is False
