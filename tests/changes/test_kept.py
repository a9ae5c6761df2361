"""What is kept of long texts: a plan by it equals a plan that asks every text again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.changes.world import NOW, PORTAL, Mirror, ticket
from zdsync.changes import evaluate, searching
from zdsync.changes.plan import Plan
from zdsync.model import Row
from zdsync.rules import compile_rule, load_rules
from zdsync.sql import Sql

PIECES = [
    *(
        "login",
        "Log in",
        "loggen",
        "CAFÉ",
        "cafe",
        "dark mode",
        "dark",
        "mode",
        "re-fill",
        "refills",
    ),
    *(
        "請求書",
        "請求",
        "กขค",
        "счёт",
        "ё",
        "Straße",
        "<b>lo</b>gin",
        "&amp;",
        ".net",
        "x",
        "ab",
        "1",
    ),
    *("a\u0301b", "हिन्दी", "😀", "", " ", "\n", "no", "İ"),
]
WORDS = st.sampled_from([piece for piece in PIECES if piece.strip() and piece != "&amp;"])
MARKED = st.builds(
    lambda left, word, right: left + word + right,
    st.sampled_from(["", "", "*"]), WORDS, st.sampled_from(["", "", "*"]),
)  # fmt: skip
TEXTS = st.one_of(
    st.none(), st.lists(st.sampled_from(PIECES), max_size=6).map(" ".join), st.text(max_size=8)
).map(lambda text: None if text is None else text.replace("\0", ""))
FIELDS = st.sampled_from(["text", "subject", "description"])


def _compares(field: str, words: list[str]) -> list[dict[str, Any]]:
    return [
        {field: {"contains_any": words}},
        {field: {"contains_all": words}},
        {field: {"not_contains": words[0]}},
        {field: {"starts_with": words[0].strip("*")}},
        {field: {"matches": "(?i)log.n|é"}},
        {field: {"known": True}},
    ]


LEAVES = st.builds(
    lambda field, words, n: _compares(field, words)[n],
    FIELDS, st.lists(MARKED, min_size=1, max_size=3), st.integers(0, 5),
)  # fmt: skip
CONDITIONS = st.recursive(
    LEAVES,
    lambda parts: st.one_of(
        st.builds(
            lambda kind, some: {kind: some},
            st.sampled_from(["all", "any", "none"]), st.lists(parts, min_size=1, max_size=3),
        ),
        st.builds(
            lambda some: {"score": {"at_least": 2, "of": [{"points": 1, "when": w} for w in some]}},
            st.lists(parts, min_size=2, max_size=3),
        ),
    ),
    max_leaves=4,
)  # fmt: skip
SEARCHED = st.sampled_from([["subject", "description"], ["subject"]])
TAXONOMIES = st.lists(st.lists(MARKED, min_size=1, max_size=3), min_size=1, max_size=4)


def _file(condition: dict[str, Any], taxonomy: list[list[str]], searched: list[str]) -> str:
    labels = {f"label {place}": words for place, words in enumerate(taxonomy)}
    common: dict[str, Any] = {"why": "a", "mode": "apply"}
    rules: list[dict[str, Any]] = [
        {"id": "cond", **common, "when": condition, "then": [{"set": {"priority": "High"}}]},
        {
            "id": "tax",
            **common,
            "when": {"status": "Open"},
            "then": [{"tag": {"from": "area", "search": searched, "at_most": 2}}],
        },
    ]
    document = {"version": 1, "taxonomies": {"area": labels}, "rules": rules}
    return json.dumps(document, ensure_ascii=False)


def _plan(mirror: Mirror, file: str, *, kept: bool) -> Plan:
    loaded = load_rules(file, "rules.yaml", PORTAL)
    assert not loaded.problems, loaded.problems
    rules = [compile_rule(rule, loaded.rules, PORTAL, NOW) for rule in loaded.rules.rules]
    found = evaluate(
        mirror, rules, PORTAL, as_of=NOW, rules_digest=loaded.rules.digest, kept=kept, whole=kept
    )
    return found.plan()


def _same(mirror: Mirror, file: str) -> Plan:
    kept, fresh = _plan(mirror, file, kept=True), _plan(mirror, file, kept=False)
    assert kept.changes == fresh.changes
    assert (kept.plan_id, kept.shadowed, kept.skipped) == (
        fresh.plan_id,
        fresh.shadowed,
        fresh.skipped,
    )
    return kept


def _rows(texts: Sequence[tuple[str | None, str | None]]) -> list[Row]:
    return [
        ticket(number, subject=subject, description=body)
        for number, (subject, body) in enumerate(texts)
    ]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5),
    st.lists(st.tuples(st.integers(0, 4), TEXTS, TEXTS), max_size=3),
    st.lists(
        st.tuples(
            CONDITIONS, TAXONOMIES, st.sampled_from([["subject", "description"], ["subject"]])
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_what_is_kept_decides_as_asking_again_would(
    texts: list[tuple[str | None, str | None]],
    edits: list[tuple[int, str | None, str | None]],
    files: list[tuple[dict[str, Any], list[list[str]], list[str]]],
) -> None:
    mirror = Mirror(_rows(texts))
    for file in files:
        _same(mirror, _file(*file))
        for number, subject, body in edits:
            if f"T{number}" in mirror.tickets:
                mirror.tickets[f"T{number}"].update(subject=subject, description=body)
        mirror._load()
        _same(mirror, _file(*file))


FILE = _file({"text": {"contains_any": ["cafe"]}}, [["tea"], ["milk"]], ["subject"])
OTHER = _file({"text": {"contains_any": ["cafe"]}}, [["tea", "coffee"], ["milk"]], ["subject"])


def _searched(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Note the subject of each text that is searched."""
    seen: list[str | None] = []
    answers = searching.Finder.answers

    def noted(self: searching.Finder, subject: str | None, description: str | None) -> list[str]:
        seen.append(None if subject is None else subject.replace("\x1f", ""))
        return answers(self, subject, description)

    monkeypatch.setattr(searching.Finder, "answers", noted)
    return seen


def test_a_text_is_searched_once_until_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = _searched(monkeypatch)
    mirror = Mirror(_rows([("tea", "café"), ("milk", None)]))
    assert len(_plan(mirror, FILE, kept=True).changes) == 3
    assert sorted(map(str, seen)) == ["milk", "tea"]
    seen.clear()
    assert len(_plan(mirror, FILE, kept=True).changes) == 3
    assert seen == []
    mirror.tickets["T1"]["subject"] = "tea and milk"
    mirror._load()
    assert len(_plan(mirror, FILE, kept=True).changes) == 4
    assert seen == ["tea and milk"]


def test_a_changed_taxonomy_takes_away_what_was_found_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = _searched(monkeypatch)
    mirror = Mirror(_rows([("coffee", None), ("tea", "cafe")]))
    _plan(mirror, FILE, kept=True)
    before = mirror.rows(Sql("SELECT unnest(names) FROM zdsync.text_asked"))
    seen.clear()
    changes = _plan(mirror, OTHER, kept=True).changes
    assert {(one.ticket_id, one.field) for one in changes} == {
        ("T0", "tag:label 0"), ("T1", "tag:label 0"), ("T1", "priority"),
    }  # fmt: skip
    assert sorted(map(str, seen)) == ["coffee", "tea"]
    used = {row[0] for row in mirror.rows(Sql("SELECT DISTINCT asked FROM zdsync.text_hits"))}
    after = mirror.rows(Sql("SELECT id, names FROM zdsync.text_asked"))
    asked = {name for number, names in after if number in used for name in names}
    found = mirror.rows(
        Sql(
            "SELECT DISTINCT split_part(one, '=', 1) FROM "
            "(SELECT unnest(string_split(trim(found), ' ')) AS one FROM zdsync.text_hits)"
        )
    )
    gone = {row[0] for row in before} - asked
    assert len(gone) == 1  # the taxonomy as it was
    assert not gone & {row[0] for row in found}


def test_a_plan_of_one_rule_keeps_what_was_found_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = _searched(monkeypatch)
    mirror = Mirror(_rows([("tea", "café")]))
    _plan(mirror, FILE, kept=True)
    loaded = load_rules(FILE, "rules.yaml", PORTAL).rules
    one = compile_rule(loaded.rules[0], loaded, PORTAL, NOW)
    seen.clear()
    evaluate(mirror, [one], PORTAL, as_of=NOW, rules_digest="r", kept=True)
    _plan(mirror, FILE, kept=True)
    assert seen == []
