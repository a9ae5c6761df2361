"""Everything that can be found wrong with a rules file before it runs: `zdsync check`.

Promises all problems at once, each with its place, and says what it could not look at. Problems
must be mended (exit 2); notes are worth knowing and right (exit 0). Reads no network.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from zdsync.errors import Misconfigured, Problem
from zdsync.model import Portal
from zdsync.quarrels import Play, flips, overlaps, unplayed
from zdsync.rulebook import Rulebook
from zdsync.rules import CompiledRule, Rule, RuleFile, compile_rule, never_match, run_examples
from zdsync.sql import Sql

Lacks = Callable[[CompiledRule], Sequence[str]]
Query = Callable[[Sql], list[tuple[Any, ...]]]
Untested = Callable[[Sequence[Rule]], Mapping[str, str]]

NO_NAMES = "names of agents, departments, teams, statuses and fields: no mirror yet"
NO_TICKETS = "rules that quarrel over the same tickets: no mirror yet"
BROKEN = "examples, and rules that never match or quarrel: the file must be readable first"


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


@dataclass(frozen=True, slots=True)
class Bench:
    """What a check needs beside the file; the last three are None without a mirror.

    `lacks`: the columns that a rule needs and the mirror never stores. `play` plays rules on
    the mirror. `untested`: which of some rules people have not agreed with as asked → why.
    """

    query: Query
    lacks: Lacks
    now: datetime
    portal: Portal | None = None
    play: Play | None = None
    untested: Untested | None = None


def check(book: Rulebook, bench: Bench) -> Checked:
    """Read the file, run its examples, look for what can never match and what quarrels."""
    loaded = book.read(bench.portal)
    rules, problems, notes = loaded.rules, [*loaded.problems], [*_rests(loaded.rules)]
    could_not = [] if bench.portal else [NO_NAMES]
    if loaded.broken:
        could_not.append(BROKEN)
    else:
        failed = run_examples(rules, bench.portal, bench.query, bench.now)
        problems += [*failed, *never_match(rules, bench.portal)]
        compiled = [compile_rule(one, rules, bench.portal, bench.now) for one in rules.rules]
        left_out = {one.id: bench.lacks(one) for one in compiled if one.mode != "off"}
        problems += _left_out(rules, left_out)
        notes += _unearned(rules, bench)
        could_not += [] if bench.untested else _unasked(rules)
        unsound = {one.rule for one in in_file_order(problems, rules)}
        fit = [one for one in compiled if one.id not in unsound]
        if bench.play is None:
            could_not.append(NO_TICKETS)
        else:
            played = bench.play(fit)
            problems += flips(played, rules)
            notes += overlaps(played, rules)
            could_not += unplayed(played)
    found = in_file_order(problems, rules)
    known = in_file_order(notes, rules)
    return Checked(str(book.path), rules, found, known, loaded.remarks, tuple(could_not))


def in_file_order(problems: Sequence[Problem], rules: RuleFile) -> tuple[Problem, ...]:
    """Sort by line and column, and name the rule of each where it is not named yet."""
    ids = {rule.where: rule.id for rule in rules.rules}
    places = sorted(ids, key=place)

    def named(one: Problem) -> Problem:
        above = [where for where in places if place(where) <= place(one.where)]
        return one if one.rule or not above else replace(one, rule=ids[above[-1]])

    return tuple(sorted(map(named, problems), key=lambda one: place(one.where)))


def place(where: str) -> tuple[int, int]:
    """Line and column of `file:line:column`; (0, 0) where it names none."""
    parts = where.rsplit(":", 2)
    return (int(parts[1]), int(parts[2])) if len(parts) == 3 and parts[2].isdigit() else (0, 0)


def _left_out(rules: RuleFile, left_out: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Rules that need what ZDSYNC_EXCLUDE keeps out of the mirror."""
    for rule in rules.rules:
        if missing := left_out.get(rule.id):
            what = f"{rule.id} needs {', '.join(missing)}, which ZDSYNC_EXCLUDE leaves out"
            hint = "the rule is skipped until the setting or the rule is changed"
            yield Problem(rule.where, what, hint, rule=rule.id)


def _rests(rules: RuleFile) -> Iterator[Problem]:
    """Rules that may rest, and do in this portal."""
    for one in rules.resting:
        for problem in one.problems if one.allowed else ():
            yield replace(problem, what=f"{one.id} rests here: {problem.what}")


def _unearned(rules: RuleFile, bench: Bench) -> Iterator[Problem]:
    """Rules that may not write yet: people have not agreed with them as often as they ask."""
    untested = bench.untested(rules.rules) if bench.untested else {}
    for rule in rules.rules:
        if reason := untested.get(rule.id):
            hint = "until then it is only shown; docs/backtest.md says how it is measured"
            yield Problem(rule.where, f"{rule.id} {reason}", hint, rule=rule.id)


def _unasked(rules: RuleFile) -> list[str]:
    """What only a mirror tells of rules that must earn their mode."""
    asking = [rule.id for rule in rules.rules if rule.mode == "apply" and rule.asked]
    said = f"whether people agree with {', '.join(asking)} as needs_agreement asks: no mirror yet"
    return [said] if asking else []
