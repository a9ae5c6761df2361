"""Everything that can be found wrong with a rules file before it runs: `zdsync check`.

Promises all problems at once, each with its place, and says what it could not look at. Problems
must be mended (exit 2); notes are worth knowing and right (exit 0). Reads no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from zdsync.errors import Misconfigured, Problem
from zdsync.model import Portal
from zdsync.rulebook import Rulebook
from zdsync.rules import CompiledRule, Loaded, RuleFile, compile_rule, run_examples
from zdsync.sql import Sql

Lacks = Callable[[CompiledRule], Sequence[str]]
Query = Callable[[Sql], list[tuple[Any, ...]]]

NO_NAMES = "no mirror yet: names of agents, departments, teams, statuses and fields"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `taken` are names that the portal knows under another name."""

    file: str
    rules: RuleFile
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    taken: tuple[Problem, ...] = ()
    could_not: tuple[str, ...] = ()

    def refuse(self) -> RuleFile:
        """Return the rules; Misconfigured with every problem where there is one."""
        if self.problems:
            raise self.error()
        return self.rules

    def error(self) -> Misconfigured:
        """The problems as one error."""
        count = len(self.problems)
        what = f"{self.file}: {count} problem{'' if count == 1 else 's'}"
        return Misconfigured(what, self.problems)


def check(
    book: Rulebook, portal: Portal | None, query: Query, lacks: Lacks, now: datetime
) -> Checked:
    """Read the file, run its examples, look for what the settings leave out.

    `portal` is None where no mirror tells its names. `lacks`: the columns that a rule needs and
    the mirror never stores.
    """
    loaded = book.read(portal)
    problems = [*loaded.problems]
    could_not = () if portal else (NO_NAMES,)
    if not loaded.broken:
        problems += run_examples(loaded.rules, portal, query, now)
        problems += _left_out(loaded.rules, portal, lacks, now)
    found = in_file_order(problems, loaded)
    notes = tuple(_rests(loaded.rules))
    return Checked(str(book.path), loaded.rules, found, notes, loaded.remarks, could_not)


def in_file_order(problems: Sequence[Problem], loaded: Loaded) -> tuple[Problem, ...]:
    """Sort by line and column, and name the rule of each where it is not named yet."""
    ids = {rule.where: rule.id for rule in loaded.rules.rules}
    places = sorted(ids, key=place)

    def named(one: Problem) -> Problem:
        above = [where for where in places if place(where) <= place(one.where)]
        return one if one.rule or not above else replace(one, rule=ids[above[-1]])

    return tuple(sorted(map(named, problems), key=lambda one: place(one.where)))


def place(where: str) -> tuple[int, int]:
    """Line and column of `file:line:column`; (0, 0) where it names none."""
    parts = where.rsplit(":", 2)
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and parts[2].isdigit() else (0, 0)


def _left_out(
    rules: RuleFile, portal: Portal | None, lacks: Lacks, now: datetime
) -> Iterator[Problem]:
    """Rules that need what ZDSYNC_EXCLUDE keeps out of the mirror."""
    for rule in rules.rules:
        missing = lacks(compile_rule(rule, rules, portal, now)) if rule.mode != "off" else ()
        if missing:
            what = f"{rule.id} needs {', '.join(missing)}, which ZDSYNC_EXCLUDE leaves out"
            hint = "the rule is skipped until the setting or the rule is changed"
            yield Problem(rule.where, what, hint, rule=rule.id)


def _rests(rules: RuleFile) -> Iterator[Problem]:
    """Rules that may rest, and do in this portal."""
    for one in rules.resting:
        for problem in one.problems if one.allowed else ():
            yield replace(problem, what=f"{one.id} rests here: {problem.what}")
