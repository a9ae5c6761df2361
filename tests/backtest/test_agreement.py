"""A rule that people have not agreed with as it asks is only shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.backtest.world import HOUR, World, world
from tests.conftest import FakeClock
from zdsync.inspection import inspect
from zdsync.rules import load_rules
from zdsync.settings import Settings

RULE = """
  - id: shut
    mode: apply
    needs_agreement: {asked}
    when: {{subject: [{words}]}}
    then: [{{close: {{}}}}]
"""


def _rules(here: World, asked: str, words: str = "a planted one") -> None:
    here.place.rules("version: 1\nrules:" + RULE.format(asked=asked, words=words))


def _plan(here: World) -> tuple[set[str], list[str]]:
    """The modes of the changes, and why the rule only shows."""
    here.place.pull()
    plan = here.place.app().plan()
    return {one.mode for one in plan.changes}, [one.reason for one in plan.skipped]


def test_a_rule_writes_only_after_a_backtest_as_good_as_it_asks(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        made = [here.ticket(subject="a planted one") for _ in range(4)]
        here.wait(HOUR)
        for one in made[:3]:
            here.edit(one, status="Closed")
        here.edit(made[3], status="In Progress")
        here.learn()
        here.ticket(subject="a planted one")
        asked = "{share: 75%, decisions: 4}"
        _rules(here, asked)
        modes, reasons = _plan(here)
        assert modes == {"plan"}
        assert "no backtest" in reasons[0]
        _, applied = here.place.app().apply(None, lambda plan: True, destructive=True)
        assert applied is None
        back = here.back(RULE.format(asked=asked, words="a planted one"))
        assert (back.tried[0].agreement.count("agreed"), back.tried[0].agreement.of) == (3, 4)
        assert _plan(here) == ({"apply"}, [])
        _rules(here, "{share: 76%, decisions: 4}")
        assert "3 of 4 agreed (75.0%)" in _plan(here)[1][0]
        _rules(here, "{share: 75%, decisions: 5}")
        assert "found 4 to compare" in _plan(here)[1][0]
        _rules(here, "75%")
        assert "75% of 30 decisions" in _plan(here)[1][0]
        _rules(here, asked, "a planted one, another")
        assert "no backtest" in _plan(here)[1][0]
        _rules(here, asked)
        assert _plan(here)[0] == {"apply"}
        unattended = here.place.app()
        unattended.tick(once=True)
        assert not here.box.writes  # a close is for a person, agreed or not


def test_the_last_backtest_counts_and_not_the_best(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        asked, words = "{share: 50%, decisions: 1}", "a planted one"
        made = here.ticket(subject=words)
        here.wait(HOUR)
        here.edit(made, status="Closed")
        here.learn()
        rule = RULE.format(asked=asked, words=words)
        assert here.back(rule).tried[0].agreement.share == 1
        later = here.ticket(subject=words)
        assert _plan(here)[0] == {"apply"}
        here.wait(HOUR)
        here.edit(later, status="In Progress")
        here.wait(60)
        here.learn()
        assert here.back(rule, since="1h").tried[0].agreement.share == 0
        here.ticket(subject=words)
        assert _plan(here)[0] == {"plan"}


def test_check_says_that_a_rule_has_not_earned_its_mode(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        words = "a planted one"
        made = [here.ticket(subject=words) for _ in range(2)]
        here.wait(HOUR)
        here.edit(made[0], status="Closed")
        here.edit(made[1], status="In Progress")
        here.learn()
        _rules(here, "{share: 50%, decisions: 2}")

        def said() -> list[str]:
            found = here.place.app().check(None)
            assert found.problems == ()
            assert not any("needs_agreement" in one for one in found.could_not)
            return [one.what for one in found.notes if one.rule == "shut"]

        (note,) = said()
        assert note.startswith("shut stays in mode plan: needs_agreement asks for 50%")
        assert "no backtest" in note
        here.back(RULE.format(asked="{share: 50%, decisions: 2}", words=words))
        assert said() == []
        _rules(here, "{share: 51%, decisions: 2}")
        assert "1 of 2 agreed (50.0%)" in said()[0]


def test_without_a_mirror_check_says_that_agreement_is_not_known(
    tmp_path: Path, clock: FakeClock
) -> None:
    book = tmp_path / "rules.yaml"
    book.write_text("version: 1\nrules:" + RULE.format(asked="90%", words="x"))
    found = inspect(Settings(rules=book, data_dir=tmp_path / "data"), clock)
    assert any("people agree with shut as needs_agreement asks" in one for one in found.could_not)


FILE = """
version: 1
lists: {{words: [{word}], others: [{other}]}}
rules:
  # {comment}
  - id: one
    why: {why}
    mode: {mode}
    when: {{subject: {{contains_any: {{list: words}}}}}}
    then: [{{set: {{priority: {value}}}}}]
"""
BASE = {
    "word": "aa", "other": "bb", "comment": "c", "why": "d", "mode": "plan", "value": "High"
}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"comment": "other"}, True),
        ({"why": "other"}, True),
        ({"mode": "apply"}, True),
        ({"other": "cc"}, True),
        ({"word": "cc"}, False),
        ({"value": "Low"}, False),
    ],
)
def test_a_rule_is_another_where_it_says_something_else(
    changed: dict[str, str], same: bool
) -> None:
    digests = []
    for some in (BASE, BASE | changed):
        loaded = load_rules(FILE.format(**some), "rules.yaml")
        assert not loaded.problems
        digests.append(loaded.rules.rules[0].digest)
    assert (digests[0] == digests[1]) is same


@pytest.mark.parametrize("asked", ["0.9", "120%", "yes", "{share: 0.9}", "{of: 3}", "[90%]"])
def test_an_agreement_is_spelt_in_percent_or_refused(asked: str) -> None:
    text = "version: 1\nrules:" + RULE.format(asked=asked, words="x")
    loaded = load_rules(text, "rules.yaml")
    assert loaded.problems
    assert all(":" in problem.where for problem in loaded.problems)
