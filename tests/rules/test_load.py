"""Loading never raises for what an admin wrote, whatever it is."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.world import NOW, PORTAL, duck
from zdsync.rules import compile_rule, load_rules, run_examples

TEXT = Path(__file__).parents[2].joinpath("rules.yaml").read_text(encoding="utf-8")
QUERY = duck()
RULES = TEXT[TEXT.index("rules:\n") :]
KEYS = (
    *("rules", "id", "when", "then", "examples", "given", "expect", "all", "none", "score", "of"),
    *("points", "at_least", "subject", "tags", "contains_any", "list", "field", "assign", "set"),
    *("lookup", "in", "else", "tag", "from", "close", "spam", "move", "known", "between", "among"),
)
words = st.sampled_from(KEYS)
values = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), words, st.text(max_size=4))
trees = st.recursive(
    values,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=4)),
    max_leaves=12,
)


def spell(tree: Any) -> str:
    """Write YAML's flow style."""
    if isinstance(tree, dict):
        return "{" + ", ".join(f"{key}: {spell(item)}" for key, item in tree.items()) + "}"
    if isinstance(tree, list):
        return "[" + ", ".join(map(spell, tree)) + "]"
    return "null" if tree is None else str(tree)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees, trees, trees)
def test_no_tree_of_words_raises(when: Any, then: Any, example: Any) -> None:
    rule = f"{{id: a, when: {spell(when)}, then: [{spell(then)}], examples: [{spell(example)}]}}"
    for text in (
        f"rules: [{rule}]",
        spell({"rules": [when], "lists": then, "taxonomies": example}),
    ):
        loaded = load_rules(text, "r.yaml", PORTAL)
        assert loaded.problems or loaded.rules.rules
        assert all(problem.where.startswith("r.yaml:") for problem in loaded.problems)


def test_a_damaged_file_is_answered_and_not_raised() -> None:
    dice = random.Random(7)
    for _ in range(60):
        at, length = dice.randrange(len(RULES)), dice.randrange(1, 12)
        filling = dice.choice(("", "\t", "{", "]", ": ", "- ", "*", "'", "\0", "  \n"))
        text = RULES[:at] + filling + RULES[at + length :]
        loaded = load_rules(text, "r.yaml", PORTAL)
        if not loaded.problems:
            run_examples(loaded.rules, PORTAL, QUERY, NOW)


def test_deep_nesting_is_a_problem() -> None:
    for depth in (60, 100_000):
        loaded = load_rules("rules: " + "[" * depth + "]" * depth, "r.yaml")
        assert loaded.problems


def test_a_loaded_rule_compiles_without_a_portal() -> None:
    loaded = load_rules(TEXT, "rules.yaml")
    for rule in loaded.rules.rules:
        compiled = compile_rule(rule, loaded.rules, None, NOW)
        assert compiled.where.text.count("?") == len(compiled.where.params)
