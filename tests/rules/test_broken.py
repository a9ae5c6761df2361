"""Golden texts: what each broken rules file is answered with (GOLDEN=write rewrites them)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.checking import Bench, Checked, check
from zdsync.errors import Problem
from zdsync.model import Portal, Voice
from zdsync.rulebook import Rulebook
from zdsync.rules import CompiledRule, lacking

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))
QUERY = duck()
VOICE = Voice(targets=frozenset({"ops", "manager"}))
# Portals that some files are checked against: None is none at all.
PORTALS: dict[str, Portal | None] = {
    "no_crm": replace(PORTAL, crm=False),
    "no_mirror": None,
    "hidden_field": replace(PORTAL, hidden=frozenset({"Accounts.SLA_Tier"})),
    "vanished_field": replace(PORTAL, vanished={"cf.cf_cid": "cf.cf_client", "cf.cf_region": ""}),
}
EXCLUDED = {"excluded_columns": ("desk.tickets.description",)}


def checked(path: Path) -> Checked:
    excluded = EXCLUDED.get(path.stem, ())

    def lacks(rule: CompiledRule) -> Sequence[str]:
        return lacking(rule, excluded, outcome_field="cf_outcome", tier_field="SLA_Tier")

    bench = Bench(QUERY, lacks, NOW, PORTALS.get(path.stem, PORTAL))
    return check(Rulebook(path, VOICE), bench)


def show(problem: Problem) -> str:
    where = problem.where.removeprefix(f"{FOLDER}/")
    token = f"  [{problem.text}]" if problem.text else ""
    hint = f"\n    {problem.hint}" if problem.hint else ""
    return f"{where}: {problem.what}{token}{hint}\n"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_broken_file_is_answered_with_every_problem_at_its_place(path: Path) -> None:
    said = "".join(show(problem) for problem in checked(path).problems)
    golden = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(said, encoding="utf-8")
    assert said
    assert said == golden.read_text(encoding="utf-8")


def test_problems_stand_in_the_order_of_the_file_and_name_their_rule() -> None:
    for path in FILES:
        problems = checked(path).problems
        places = [tuple(map(int, p.where.rsplit(":", 2)[1:])) for p in problems]
        assert places == sorted(places)
        text = path.read_text(encoding="utf-8")
        named = {problem.rule for problem in problems if problem.rule}
        assert [one for one in named if one not in text] == [], path.stem


def test_at_least_forty_broken_files() -> None:
    assert len(FILES) >= 40
