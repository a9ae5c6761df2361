"""Which rules of a file may not act here, and why: they are skipped before anything is asked.

Pure but for the query that lets DuckDB read the patterns. Must not decide what a rule would do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from zdsync.changes.plan import Skipped
from zdsync.model import Portal
from zdsync.rules import CompiledRule, RuleFile, check_patterns, silent_truths
from zdsync.sql import Sql

Query = Callable[[Sql], list[tuple[Any, ...]]]
Lacks = Callable[[CompiledRule], Sequence[str]]


def unfit(
    rules: RuleFile,
    compiled: Sequence[CompiledRule],
    portal: Portal,
    lacks: Lacks,
    query: Query,
    *,
    only: str | None = None,
) -> tuple[Skipped, ...]:
    """List rules that may not act; `compiled` are those that are asked for, `only` the one."""
    return (
        *resting(rules, only),
        *_left_out(compiled, lacks),
        *_hidden(rules, portal),
        *unreadable(rules, query),
    )


def resting(rules: RuleFile, only: str | None = None) -> list[Skipped]:
    """Rules that name what the portal has not: they decide nothing."""
    return [
        Skipped(one.id, one.reason)
        for one in rules.resting
        if one.mode != "off" and only in (None, one.id)
    ]


def unreadable(rules: RuleFile, query: Query) -> list[Skipped]:
    """Rules with a pattern that only RE2 refuses: asked of DuckDB it would end the run."""
    refused = check_patterns(rules, query)
    return [Skipped(one.rule, f"{one.what} ({one.where})") for one in refused]


def _left_out(compiled: Sequence[CompiledRule], lacks: Lacks) -> list[Skipped]:
    """Rules that read what the settings leave out."""
    found = ((one.id, lacks(one)) for one in compiled)
    return [
        Skipped(id_, f"ZDSYNC_EXCLUDE leaves out {', '.join(missing)}")
        for id_, missing in found
        if missing
    ]


def _hidden(rules: RuleFile, portal: Portal) -> list[Skipped]:
    """Rules of the last good file that privacy settings have blinded since."""
    found = {
        rule.id: Skipped(rule.id, f"privacy settings hide {name}: `{compare.text}`")
        for rule in rules.rules
        for compare, name in silent_truths(rule.when, portal)
    }
    return list(found.values())
