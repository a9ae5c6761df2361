"""The JSON Schema for editors: true to the language, current, and described throughout."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from zdsync.cli import main
from zdsync.rules.described import CUSTOM_SAID, FIELDS_SAID, OPERATORS_SAID
from zdsync.rules.fields import _CUSTOM, FIELDS
from zdsync.rules.nodes import Notes, read_yaml
from zdsync.rules.operands import ALL_OPERATORS
from zdsync.rules.schema import rules_schema

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"
SCHEMA = rules_schema()
VALIDATOR = Draft202012Validator(SCHEMA)


def plain(text: str) -> Any:
    notes = Notes("r.yaml")
    root = read_yaml(text, notes)
    assert root is not None
    assert not notes.found
    return root.plain()


def accepts(text: str) -> bool:
    return bool(VALIDATOR.is_valid(plain(text)))


def keys(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every key that a schema describes, wherever it stands."""
    if isinstance(node, list):
        for item in node:
            yield from keys(item, path)
    if not isinstance(node, dict):
        return
    for name, item in node.items():
        if name in ("properties", "patternProperties", "$defs"):
            for key, inner in item.items():
                if name != "$defs":
                    yield f"{path}/{key}", inner
                yield from keys(inner, f"{path}/{key}")
        else:
            yield from keys(item, path)


def test_it_is_a_schema_of_the_draft_that_it_names() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_every_key_has_a_description() -> None:
    found = dict(keys(SCHEMA))
    assert len(found) > 150
    assert [path for path, inner in found.items() if not inner.get("description")] == []


def test_every_field_and_operator_is_described() -> None:
    assert set(FIELDS) <= set(FIELDS_SAID)
    assert set(OPERATORS_SAID) == set(ALL_OPERATORS)
    assert set(CUSTOM_SAID) == set(_CUSTOM)


def test_the_shipped_rules_point_at_it_and_fit() -> None:
    text = (ROOT / "rules.yaml").read_text(encoding="utf-8")
    assert text.splitlines()[0] == "# yaml-language-server: $schema=./rules.schema.json"
    assert [error.message for error in VALIDATOR.iter_errors(plain(text))] == []


def test_the_shipped_schema_is_current() -> None:
    shipped = json.loads((ROOT / "rules.schema.json").read_text(encoding="utf-8"))
    assert shipped == SCHEMA, "run: zdsync schema > rules.schema.json"


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA


RULE = "rules: [{id: r, when: %s, then: %s}]"
WELL = (
    ("{status: Open}", "[spam]"),
    ("{status: [Open, null]}", "[{spam: true}]"),
    ("{thread_count: {between: [1, 5]}, cf.cf_x: {gt: 3}}", "[{tag: [2024]}]"),
    ("{contact.owner: {field: assignee}}", "[{assign: {field: contact.owner, else: nobody}}]"),
    ("{text: {contains_any: [a, {list: words}]}}", "[{set: {priority: High, cf.cf_x: 5}}]"),
    ("{email: {ends_with: [.top]}, tags: {has: x}}", "[{close: {outcome: Spam}}]"),
    ("{score: {at_least: 2, of: [{points: 1, when: {subject: a}}]}}", "[{move: Support}]"),
    ("{any: [{created: {older_than: 2d}}, {none: [{due: null}]}]}", "[{tag: {remove: [x]}}]"),
    ("{crm.account.cf.Tier: {known: true}}", "[{set: {status: {lookup: status, in: {a: b}}}}]"),
)
BAD = (
    ("{statuss: Open}", "[spam]"),
    ("{status: {iz: Open}}", "[spam]"),
    ("{thread_count: {contains: x}}", "[spam]"),
    ("{thread_count: {between: [1, 2, 3]}}", "[spam]"),
    ("{tags: x}", "[spam]"),
    ("{status: {known: maybe}}", "[spam]"),
    ("{any: []}", "[spam]"),
    ("{}", "[spam]"),
    ("[a]", "[spam]"),
    ("{contact.cf.: x}", "[spam]"),
    ("{score: {at_least: 2}}", "[spam]"),
    ("{status: Open}", "[]"),
    ("{status: Open}", "[spamm]"),
    ("{status: Open}", "[{asign: x}]"),
    ("{status: Open}", "[{tag: [x], move: Support}]"),
    ("{status: Open}", "[{close: {outcom: x}}]"),
    ("{status: Open}", "[{tag: []}]"),
    ("{status: Open}", "[{move: null}]"),
)


@pytest.mark.parametrize(("when", "then"), WELL)
def test_it_takes_what_the_language_takes(when: str, then: str) -> None:
    assert accepts(RULE % (when, then))


@pytest.mark.parametrize(("when", "then"), BAD)
def test_it_refuses_what_is_no_rule(when: str, then: str) -> None:
    assert not accepts(RULE % (when, then))


def test_it_refuses_wrong_examples_and_keys() -> None:
    rule = "rules: [{id: r, when: {status: Open}, then: [spam], %s}]"
    assert accepts(rule % "examples: [{given: {status: Open, cf.cf_x: 1}, expect: nothing}]")
    assert accepts(rule % "examples: [{given: {}, expect: {tags: {add: [x]}, cf.cf_x: y}}]")
    for wrong in (
        "examples: [{given: {statuss: Open}, expect: nothing}]",
        "examples: [{given: {status: Open}}]",
        "examples: [{given: {status: Open}, expect: {subject: x}}]",
        "mode: aply",
        "stop: 'no'",
        "wy: x",
    ):
        assert not accepts(
            (rule % wrong).replace("id: r, when", "when") if "id:" in wrong else rule % wrong
        )
    assert not accepts("version: 2\n" + rule % "stop: true")
    assert not accepts("limits: {share_of_open_tickets: half}\n" + rule % "stop: true")


@pytest.mark.parametrize(
    "name",
    [
        *("actions", "closing", "groups", "limits", "mode_and_scope", "no_when_no_then"),
        *("operator_for_other_kind", "operator_without_field", "sets", "everything_at_once"),
        *("rule_ids", "score", "numbers", "unknown_field", "unknown_operator", "version_two"),
        *("unknown_rule_key", "unknown_top_key", "when_is_a_list", "yaml_words_for_bool"),
    ],
)
def test_it_refuses_the_broken_files_that_a_schema_can_tell(name: str) -> None:
    assert not accepts((BROKEN / f"{name}.yaml").read_text(encoding="utf-8"))
