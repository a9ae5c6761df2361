"""What the workload report stands on: the answers of its standing queries, typed.

Reads through the query function it is given; computes nothing but the order of the columns.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from zdsync.reports.load import Slice
from zdsync.reports.report import Query
from zdsync.sql import Sql, load

_QUERIES = "zdsync.reports.queries"
_CLASSES = {"Open": 0, "On Hold": 1}


@dataclass(frozen=True, slots=True)
class Ground:
    """All that the mirror says about a workload at `as_of`, over [since, as_of), aware UTC."""

    as_of: datetime
    since: datetime
    slices: list[Slice]
    days: list[tuple[datetime, int, int]]  # day, opened, closed
    ages: list[tuple[str | None, int, int]]  # department, bucket, tickets
    statuses: list[str | None]  # names of the open classes, in the portal's order
    priorities: list[str | None]
    agents: dict[str, tuple[str, bool]]  # of agents who are not gone: id → name, active
    changed_after: int
    closed_unknown: int
    tickets: int
    fresh_at: datetime | None
    partial: bool


def read_ground(query: Query, as_of: datetime, since: datetime) -> Ground:
    """Ask every standing query of the workload; both instants are aware."""
    as_of, since = as_of.astimezone(UTC), since.astimezone(UTC)
    at, start = as_of.replace(tzinfo=None), since.replace(tzinfo=None)

    def rows(name: str, *params: object) -> list[tuple[Any, ...]]:
        return query(Sql(load(_QUERIES, name + ".sql"), params))[1]

    slices = _told_apart([Slice(*row) for row in rows("workload", at, start)])
    changed_after, closed_unknown, tickets = rows("limits", at)[0]
    fresh, partial = rows("freshness")[0]
    return Ground(
        as_of=as_of,
        since=since,
        slices=slices,
        days=[(day, opened, closed) for day, opened, closed in rows("days", at, start)],
        ages=[(name, bucket, count) for name, bucket, count in rows("ageing", at)],
        statuses=_statuses(rows("options", "status"), slices),
        priorities=_priorities(rows("options", "priority"), slices),
        agents={key: (name or "", bool(active)) for key, name, active in rows("agents")},
        changed_after=changed_after,
        closed_unknown=closed_unknown,
        tickets=tickets,
        fresh_at=fresh.replace(tzinfo=UTC) if fresh else None,
        partial=partial,
    )


def _told_apart(slices: list[Slice]) -> list[Slice]:
    """Give each agent a name of their own: with the e-mail, or the id, where two share one."""
    people = {each.agent_id: each for each in slices if each.agent_id is not None}
    shared = Counter(each.agent for each in people.values())
    names: dict[str | None, str | None] = {None: None}
    for key, each in people.items():
        name = each.agent or f"Agent {key}"
        names[key] = f"{name} ({each.agent_email or key})" if shared[each.agent] > 1 else name
    return [each._replace(agent=names[each.agent_id]) for each in slices]


def _statuses(options: Iterable[tuple[Any, ...]], slices: Iterable[Slice]) -> list[str | None]:
    listed = [name for name, is_closed in options if name and not is_closed]
    found = {(_CLASSES.get(each.kind or "", 2), each.status) for each in slices if not each.gone}
    return _ordered(listed, [name for _, name in sorted(found, key=lambda pair: _last(*pair))])


def _priorities(options: Iterable[tuple[Any, ...]], slices: Iterable[Slice]) -> list[str | None]:
    found = sorted({each.priority for each in slices if each.open}, key=lambda name: _last(0, name))
    return _ordered([name for name, _ in options if name], found)


def _last(kind: int, name: str | None) -> tuple[bool, int, str]:
    return (name is None, kind, name or "")


def _ordered(listed: Iterable[str], found: Iterable[str | None]) -> list[str | None]:
    """Listed names first, found ones after them, each once, the unnamed last."""
    names = list(dict.fromkeys([*listed, *found]))
    return sorted(names, key=lambda name: name is None)
