"""Golden texts: what each broken rules file is answered with (GOLDEN=write rewrites them)."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.errors import Problem
from zdsync.model import Voice
from zdsync.rules import load_rules, run_examples

FILES = sorted(Path(__file__).parent.joinpath("broken").glob("*.yaml"))
QUERY = duck()
VOICE = Voice(targets=frozenset({"ops", "manager"}))


def problems(path: Path) -> tuple[Problem, ...]:
    portal = replace(PORTAL, crm=False) if path.stem == "no_crm" else PORTAL
    loaded = load_rules(path.read_text(encoding="utf-8"), path.name, portal, VOICE)
    return loaded.problems or run_examples(loaded.rules, portal, QUERY, NOW)


def show(problem: Problem) -> str:
    token = f"  [{problem.text}]" if problem.text else ""
    hint = f"\n    {problem.hint}" if problem.hint else ""
    return f"{problem.where}: {problem.what}{token}{hint}\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_broken_file_is_answered_with_every_problem_at_its_place(path: Path) -> None:
    said = "".join(show(problem) for problem in problems(path))
    golden = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(said, encoding="utf-8")
    assert said
    assert said == golden.read_text(encoding="utf-8")


def test_problems_stand_in_the_order_of_the_file() -> None:
    for path in FILES:
        places = [tuple(map(int, p.where.split(":")[1:])) for p in problems(path)]
        assert places == sorted(places)


def test_at_least_forty_broken_files() -> None:
    assert len(FILES) >= 40
