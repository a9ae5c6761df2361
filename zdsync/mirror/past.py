"""The past of tickets as the mirror keeps it: zdsync.ticket_changes, status_since, assigned_since.

Promises that what was observed stays until History explains it, that reading History twice changes
nothing, and that the day from which all tickets are known is never moved. Which steps explain an
observed change is not decided here (pull/weave.py).
"""

# ruff: noqa: S608 - identifiers are constants, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from zdsync.mirror import publishing
from zdsync.mirror.cursors import aware, stamp
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.model import Actor
from zdsync.sql import Sql, load

_PACKAGE = "zdsync.mirror.views"
KNOWN_FROM = "tickets_known_from"  # in zdsync.options
COLUMNS = ("status", "assignee_id", "team_id", "priority", "department_id")
FRESH = timedelta(hours=24)  # older changes wait until the ticket moves again
LATE = timedelta(hours=1)  # History may lag: what it did not explain is asked for once more


@dataclass(frozen=True, slots=True)
class Kept:
    """One row of zdsync.ticket_changes; `rowid` holds within one transaction."""

    rowid: int
    before: str | None
    after: str | None
    changed_at: datetime
    seen_at: datetime
    actor: Actor
    source: str  # observed, or history
    not_before: datetime | None
    seq: int


@dataclass(frozen=True, slots=True)
class Step:
    """One change to keep that History told; `seq` orders changes of a field at one instant."""

    ticket_id: str
    field: str
    before: str | None
    after: str | None
    changed_at: datetime
    seen_at: datetime
    actor: Actor
    seq: int
    agent_id: str | None = None


@dataclass(slots=True)
class Held:
    """What the mirror knows of one ticket: its changes by field, as they were seen, and its values.

    `modified`: the version that `values` are of; `tags_at`: when the tags were read. None: never.
    """

    changes: dict[str, list[Kept]] = field(default_factory=dict)
    values: dict[str, str | None] = field(default_factory=dict)
    modified: datetime | None = None
    tags: frozenset[str] = frozenset()
    tags_at: datetime | None = None

    def now(self, name: str) -> tuple[str | None, datetime] | None:
        """The value of a field and the instant for which it is known."""
        if name.startswith("tag:"):
            carried = "true" if name.removeprefix("tag:") in self.tags else "false"
            return (carried, self.tags_at) if self.tags_at else None
        return (self.values[name], self.modified) if self.modified else None


@dataclass(frozen=True, slots=True)
class Written:
    """One write of zdsync, as the journal has it: its field and words are the rules language's."""

    field: str
    after: str | None
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """Reads and writes the past over one open mirror."""

    database: Database

    def wanted(self, now: datetime, limit: int) -> list[tuple[str, datetime]]:
        """Tickets whose History would tell something new, those that moved last first.

        With each, the instant to which History must be read back.
        """
        text = load(_PACKAGE, "history_wanted.sql")
        params = (naive(now), naive(now - FRESH), naive(now - LATE), limit)
        rows = self.database.rows(Sql(text, params))
        return [(one, since.replace(tzinfo=UTC)) for one, since in rows]

    def closings(self, ids: Sequence[str]) -> list[tuple[str, datetime]]:
        """Closed tickets of these, each with the instant to which History must be read back."""
        rows = self.database.rows(Sql(_CLOSINGS, (orjson.dumps(list(ids)).decode(),)))
        return [(one, since.replace(tzinfo=UTC)) for one, since in rows]

    def held(self, ids: Sequence[str]) -> dict[str, Held]:
        """What is known of these tickets. The caller holds the transaction that saves."""
        some = (orjson.dumps(list(ids)).decode(),)
        found = {one: Held() for one in ids}
        for ticket, name, *cells in self.database.rows(Sql(_CHANGES, some)):
            found[ticket].changes.setdefault(name, []).append(_kept(cells))
        for ticket, modified, tags_at, tags, *cells in self.database.rows(Sql(_VALUES, some)):
            held = found[ticket]
            held.modified, held.tags_at = aware(modified), aware(tags_at)
            held.tags = frozenset(tags or ())
            held.values |= zip(COLUMNS, cells, strict=True)
        return found

    def names(self) -> dict[str, dict[str, frozenset[str]]]:
        """Column → what people call an agent, team or department (ids too) → the ids meant."""
        found: dict[str, dict[str, set[str]]] = {}
        for column, id, *words in self.database.rows(Sql(_NAMES)):
            meant = found.setdefault(column, {})
            for word in {id, *words} - {None}:
                meant.setdefault(word.strip().casefold(), set()).add(id)
        return {
            column: {word: frozenset(ids) for word, ids in meant.items()}
            for column, meant in found.items()
        }

    def written(self, ids: Sequence[str]) -> dict[str, list[Written]]:
        """What zdsync wrote, or may have written, to these tickets."""
        found: dict[str, list[Written]] = {one: [] for one in ids}
        rows = self.database.rows(Sql(_WRITTEN, (orjson.dumps(list(ids)).decode(),)))
        for ticket, name, after, low, high in rows:
            found[ticket].append(
                Written(name, after, low.replace(tzinfo=UTC), high.replace(tzinfo=UTC))
            )
        return found

    def save(
        self, ids: Sequence[str], gone: Sequence[int], steps: Sequence[Step], read_at: datetime
    ) -> None:
        """Replace rows by the steps that explain them; note that these tickets were read."""
        with self.database.transaction():
            run, some = self.database.run, orjson.dumps(list(ids)).decode()
            run(Sql(_DROP, (orjson.dumps(list(gone)).decode(),)))
            if steps:
                run(Sql(_ADD, (orjson.dumps([_line(step) for step in steps]).decode(),)))
            run(Sql(_READ, (naive(read_at), some)))
            for text in _SINCE:
                run(Sql(text, (some,)))
            if steps or gone:
                publishing.touch(self.database)

    def note_whole(self, torn: Mapping[str, Sequence[str]], read_at: datetime) -> None:
        """Note tickets whose History was read back to their creation, each with the fields of
        which not every event found its place.
        """
        lines = [{"ticket_id": one, "torn": list(fields)} for one, fields in torn.items()]
        params = (orjson.dumps(lines).decode(), naive(read_at))
        self.database.run(Sql(_UNWHOLE, params[:1]))
        self.database.run(Sql(_WHOLE, params[::-1]))


def begin(database: Database, stream: str, now: datetime) -> None:
    """Note from when on every ticket is known, the first time that they were all read."""
    if stream == "desk.tickets":
        database.run(Sql(_BEGIN, (KNOWN_FROM, naive(now), KNOWN_FROM)))


def owned(pairs: Iterable[tuple[str, str]]) -> str:
    """Pairs of ticket and field as one text, for a statement to unnest."""
    return orjson.dumps([[ticket, field] for ticket, field in sorted(pairs)]).decode()


def _kept(cells: Sequence[Any]) -> Kept:
    rowid, before, after, changed_at, seen_at, actor, source, not_before, seq = cells
    return Kept(
        rowid,
        before,
        after,
        changed_at.replace(tzinfo=UTC),
        seen_at.replace(tzinfo=UTC),
        actor,
        source,
        aware(not_before),
        seq,
    )


def _line(step: Step) -> dict[str, Any]:
    return {
        **asdict(step),
        "changed_at": stamp(step.changed_at),
        "seen_at": stamp(step.seen_at),
    }


_ONES = """select unnest(from_json(?, '["VARCHAR"]'))"""
_CHANGES = f"""
select ticket_id, field, rowid, before, after, changed_at, seen_at, actor, source, not_before, seq
from zdsync.ticket_changes where ticket_id in ({_ONES})
order by seen_at, changed_at, seq
"""
_VALUES = f"""
select t.id, t.modified_time, t.tags_read_at, g.tags, {", ".join(f"t.{one}" for one in COLUMNS)}
from desk.tickets t
left join (select ticket_id, list(tag) as tags from desk.ticket_tags group by 1) g
    on g.ticket_id = t.id
where t.id in ({_ONES})
"""
_CLOSINGS = f"""
select t.id, least(coalesce(t.closed_time, t.modified_time, t.pulled_at),
    min(coalesce(c.not_before, c.changed_at)) filter (c.source = 'observed' and c.field = 'status'))
from desk.tickets t left join zdsync.ticket_changes c on c.ticket_id = t.id
where t.id in ({_ONES}) and t.emptied_at is null
group by t.id, t.closed_time, t.modified_time, t.pulled_at order by t.id
"""
_NAMES = """
select 'assignee_id', id, name, trim(concat_ws(' ', first_name, last_name)), email_id
from desk.agents
union all select 'team_id', id, name, null, null from desk.teams
union all select 'department_id', id, name, null, null from desk.departments
"""
# An intent without a receipt, or of unknown outcome, may have been written.
_WRITTEN = f"""
select ticket_id, field, after, intended_at, coalesce(settled_at, intended_at)
from zdsync.journal
where coalesce(outcome, 'unknown') in ('applied', 'unknown') and intended_at is not null
  and ticket_id in ({_ONES})
order by intended_at
"""
_DROP = """
delete from zdsync.ticket_changes where rowid in (select unnest(from_json(?, '["BIGINT"]')))
"""
_ADD = """
insert into zdsync.ticket_changes
    (ticket_id, field, before, after, changed_at, seen_at, actor, source, not_before, seq, agent_id)
select ticket_id, field, before, after, changed_at, seen_at, actor, 'history', changed_at, seq,
    agent_id
from (select unnest(from_json(?, '[{
    "ticket_id": "VARCHAR", "field": "VARCHAR", "before": "VARCHAR", "after": "VARCHAR",
    "changed_at": "TIMESTAMP", "seen_at": "TIMESTAMP", "actor": "VARCHAR", "seq": "INTEGER",
    "agent_id": "VARCHAR"
}]'), recursive := true))
"""
_READ = f"update desk.tickets set history_read_at = ?::timestamp where id in ({_ONES})"
# The last change of a field tells since when its value holds, if it led to that value.
_SINCE = tuple(
    f"""
update desk.tickets t set {name} = last.changed_at, {name}_source = 'history'
from (
    select ticket_id, arg_max([after], (changed_at, seq, seen_at))[1] as after,
        arg_max(source, (changed_at, seq, seen_at)) as source, max(changed_at) as changed_at
    from zdsync.ticket_changes where field = '{column}' and ticket_id in ({_ONES})
    group by ticket_id
) last
where last.ticket_id = t.id and last.source = 'history' and last.after = t.{column}
"""
    for column, name in (("status", "status_since"), ("assignee_id", "assigned_since"))
)
_TORN = """unnest(from_json(?, '[{"ticket_id": "VARCHAR", "torn": ["VARCHAR"]}]'))"""
_UNWHOLE = f"""
delete from zdsync.histories where ticket_id in (select one.ticket_id from (select {_TORN} as one))
"""
_WHOLE = f"""
insert into zdsync.histories (ticket_id, torn, read_at)
select one.ticket_id, one.torn, ?::timestamp from (select {_TORN} as one)
"""
_BEGIN = """
insert into zdsync.options
select ?, ? where not exists (select 1 from zdsync.options where name = ?)
"""
