"""Conditions as an admin writes them: flow or block, quotes of both kinds, plain words."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Mapping
from typing import Any

PLAIN = re.compile(r"[a-z][a-z_]*")
WORDS_OF_YAML = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")


def rules_file(
    conditions: Iterable[Any], lists: Mapping[str, list[str]], seed: int = 0, head: str = ""
) -> str:
    """A whole rules file: one rule a condition."""
    chance = random.Random(seed)
    lines = ["version: 1", head] if head else ["version: 1"]
    lines += [f"lists: {flow(lists, chance)}"] if lists else []
    lines.append("rules:")
    for place, condition in enumerate(conditions):
        lines += [f"  - id: r{place}", "    then: [spam]"]
        if chance.random() < 0.5:
            lines.append(f"    when: {flow(condition, chance)}")
        else:
            lines += ["    when:", *block(condition, chance, 6)]
    return "\n".join(lines) + "\n"


def block(item: Any, chance: random.Random, indent: int) -> list[str]:
    """A mapping or list, a line an entry; what lies within may be flow."""
    lines = []
    pairs = item.items() if isinstance(item, dict) else [(None, one) for one in item]
    for key, inner in pairs:
        head = " " * indent + ("-" if key is None else f"{scalar(key, chance)}:")
        if isinstance(inner, dict | list) and chance.random() < 0.6:
            lines += [head, *block(inner, chance, indent + 2)]
        else:
            lines.append(f"{head} {flow(inner, chance)}")
    return lines


def flow(item: Any, chance: random.Random) -> str:
    if isinstance(item, Mapping):
        pairs = (f"{scalar(key, chance)}: {flow(inner, chance)}" for key, inner in item.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(item, list):
        return "[" + ", ".join(flow(inner, chance) for inner in item) + "]"
    return scalar(item, chance)


def scalar(item: Any, chance: random.Random) -> str:
    if item is None:
        return chance.choice(("null", "~"))
    if isinstance(item, bool):
        return "true" if item else "false"
    if not isinstance(item, str):
        return repr(item)
    if PLAIN.fullmatch(item) and item not in WORDS_OF_YAML and chance.random() < 0.5:
        return item
    if "\n" not in item and chance.random() < 0.5:
        return "'" + item.replace("'", "''") + "'"
    return json.dumps(item, ensure_ascii=False)
