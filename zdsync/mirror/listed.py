"""What a list of the CRM showed, beside what the mirror holds of that stream.

One walk at a time: the ids that were listed lie in a temporary table until the next walk.
`rows` and `run` execute one statement each.
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from zdsync.mirror.cursors import aware
from zdsync.mirror.upsert import naive
from zdsync.sql import Sql, ident

_IDS = """(select unnest(from_json(?, '["VARCHAR"]')) as id)"""


@dataclass(frozen=True, slots=True)
class ListedRow:
    """A record as the mirror holds it: version, presence, custom fields."""

    modified: datetime | None
    presence: str
    cf: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Listed:
    """The ids that one walk of a stream's list has shown."""

    rows: Callable[[Sql], list[tuple[Any, ...]]]
    run: Callable[[Sql], None]
    stream: str

    def begin(self) -> None:
        """Forget what an earlier walk showed."""
        self.run(Sql("create or replace temp table crm_listed (id varchar)"))

    def note(self, ids: Iterable[str]) -> None:
        """Keep ids that were listed."""
        self.run(Sql(f"insert into crm_listed select id from {_IDS}", (_text(ids),)))

    def held(self, ids: Sequence[str]) -> dict[str, ListedRow]:
        """How the mirror holds these records, as far as it knows them."""
        query = (
            f"select t.id, t.modified_time, t.presence, t.cf from {ident(self.stream)} t "
            f"join {_IDS} using (id)"
        )
        found = self.rows(Sql(query, (_text(ids),)))
        return {
            str(id): ListedRow(aware(modified), str(presence), orjson.loads(cf or "{}") or {})
            for id, modified, presence, cf in found
        }

    def missing(self, before: datetime) -> list[str]:
        """Live records last read before an instant that no page of the list showed."""
        query = (
            f"select id from {ident(self.stream)} where presence = 'live' "
            "and pulled_at < ?::timestamp and id not in (select id from crm_listed) order by id"
        )
        return [str(row[0]) for row in self.rows(Sql(query, (naive(before),)))]


def _text(ids: Iterable[str]) -> str:
    return orjson.dumps(list(ids)).decode()
