"""`zdsync journal`: which writes were asked for, found in the mirror's copy of the journal.

Promises honest counts (what is shown of what was found) and no text of a customer: the journal
holds none. Writes no table of its own; knows no screen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from zdsync.errors import Misconfigured, Problem
from zdsync.reports.period import read_period
from zdsync.sql import Sql, load
from zdsync.text import near, printable

_PACKAGE = "zdsync.reports.queries"
_PAGE = 20_000  # rows of a document that are in memory at once
COLUMNS = (
    *("change_id", "run_id", "plan_id", "rule_id", "rules_digest", "ticket_id", "field"),
    *("before", "after", "outcome", "http_status", "error", "intended_at", "settled_at"),
    *("action", "evidence", "rule_digest", "command", "ticket_number"),
)

Ask = Callable[[Sql], tuple[list[str], list[tuple[Any, ...]]]]
Entry = Mapping[str, Any]  # a row of zdsync.journal by its columns, and ticket_number


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asks, as typed. `rules`: ids that the rules file holds, for near names."""

    ticket: str | None = None
    run: str | None = None
    rule: str | None = None
    unresolved: bool = False
    since: str | None = None
    rules: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether nobody named a filter."""
        return not (self.ticket or self.run or self.rule or self.unresolved or self.since)


@dataclass(frozen=True, slots=True)
class Written:
    """The newest rows of what was found, and how many were found."""

    rows: Sequence[Entry]
    found: int


def runs(ask: Ask, most: int) -> Written:
    """The newest runs that intended a write, each with its changes by outcome."""
    return _named(ask, Sql(load(_PACKAGE, "journal_runs.sql"), (most,)))


def changes(ask: Ask, asked: Asked, now: datetime, most: int) -> Written:
    """The newest writes that were asked for; Misconfigured with every name that is none."""
    return _named(ask, _query(_bound(ask, asked, now), most, 0))


def every(ask: Ask, asked: Asked, now: datetime) -> Iterator[Entry]:
    """All writes that were asked for, newest first; Misconfigured before the first."""
    bound = _bound(ask, asked, now)
    return _pages(ask, bound)


def _pages(ask: Ask, bound: tuple[Any, ...]) -> Iterator[Entry]:
    start = 0
    while True:
        page = _named(ask, _query(bound, _PAGE, start)).rows
        for row in page:
            yield {name: _plain(row[name]) for name in COLUMNS}
        start += _PAGE
        if len(page) < _PAGE:
            return


def _query(bound: tuple[Any, ...], most: int, start: int) -> Sql:
    return Sql(load(_PACKAGE, "journal_changes.sql"), (*bound, most, start))


def _named(ask: Ask, query: Sql) -> Written:
    names, rows = ask(query)
    told = [dict(zip(names, row, strict=True)) for row in rows]
    return Written(told, int(told[0]["found"]) if told else 0)


def _plain(value: Any) -> Any:
    return f"{value.isoformat()}+00:00" if isinstance(value, datetime) else value


def _bound(ask: Ask, asked: Asked, now: datetime) -> tuple[Any, ...]:
    """What the query binds; collects every problem of what was asked."""
    problems: list[Problem] = []
    names = ask(Sql(load(_PACKAGE, "journal_names.sql")))[1] if asked.run or asked.rule else []
    tickets = _tickets(ask, asked.ticket, problems) if asked.ticket else None
    run = _run(asked.run, [name for what, name in names if what == "run"], problems)
    known = {name for what, name in names if what == "rule"} | set(asked.rules)
    if asked.rule and asked.rule not in known:
        hint = near(asked.rule, sorted(known)) if known else "no rule has written anything yet"
        problems.append(Problem("--rule", "is no rule that ever wrote", hint, asked.rule))
    since = None
    if asked.since:
        try:
            since = read_period(None, asked.since, now=now, default=timedelta(days=7))[1]
        except Misconfigured as error:
            problems += error.problems
    if problems:
        raise Misconfigured("the journal cannot tell that", problems)
    at = since.astimezone(UTC).replace(tzinfo=None) if since else None
    return (tickets, run, asked.rule, asked.unresolved, at)


def _tickets(ask: Ask, word: str, problems: list[Problem]) -> str:
    """The ids that a number or an id names, as one JSON list."""
    name = word.strip().removeprefix("#")
    found = [row[0] for row in ask(Sql(load(_PACKAGE, "journal_tickets.sql"), (name,)))[1]]
    if not found:
        hint = "name its number or id; zdsync pull reads new tickets"
        shown = printable(word, 40)
        problems.append(Problem("--ticket", "is no ticket of the mirror", hint, shown))
    return orjson.dumps(found).decode()


def _run(word: str | None, known: Sequence[str], problems: list[Problem]) -> str | None:
    """The run that an id, or the beginning of one, names."""
    if word is None or word in known:
        return word
    begun = [one for one in known if word and one.startswith(word)]
    if len(begun) == 1:
        return begun[0]
    what = f"begins {len(begun)} runs" if begun else "is no run"
    latest = ", ".join(sorted(begun or known)[-3:])
    hint = f"the latest: {latest}" if latest else "nothing has run yet"
    problems.append(Problem("--run", what, hint, printable(word, 40)))
    return word
