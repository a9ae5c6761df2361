"""The tables of the streams, made from their StreamSpecs; columns are added, never dropped.

Besides the Fields a table holds `extra`, `presence`, `deleted_at`, `pulled_at` and the
bookkeeping of the merge law. Each column has a bit (zdsync.columns) that never changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from functools import cached_property

import orjson

from zdsync.mirror.database import Database
from zdsync.sql import Sql, ident
from zdsync.streams import CHILDREN, STREAMS, Field, StreamSpec

TYPES: Mapping[str, str] = {
    "text": "VARCHAR",
    "int": "BIGINT",
    "float": "DOUBLE",
    "bool": "BOOLEAN",
    "instant": "TIMESTAMP",
    "date": "DATE",
    "json": "JSON",
    "list": "VARCHAR[]",
}
TICKETS = "desk.tickets"
_PATTERNS = 1000  # of keys that rows carry; keys hidden at random must not fill the memory

_KEPT = (
    ("extra", "JSON", "Keys that zdsync does not model, as the API names them"),
    ("presence", "VARCHAR", "live, spam, archived, trashed or gone"),
    ("deleted_at", "TIMESTAMP", "When zdsync learned that the record is gone; empty if it is not"),
    ("pulled_at", "TIMESTAMP", "When the record was last read from Zoho (UTC)"),
)
_OF_TICKETS = (
    ("tags_read_at", "TIMESTAMP", "When the tags were last read; empty: never"),
    ("tags_row", "TIMESTAMP", "Modified time that the ticket had when its tags were read"),
    ("status_since", "TIMESTAMP", "Since when the status holds, as far as zdsync saw"),
    (
        "status_since_source",
        "VARCHAR",
        "history: told by Zoho; observed: modified time then; first_seen: that of the first sight",
    ),
    ("assigned_since", "TIMESTAMP", "Since when the agent has it; empty: nobody has, or not known"),
    ("assigned_since_source", "VARCHAR", "As status_since_source"),
    ("first_seen_at", "TIMESTAMP", "When zdsync first saw it; empty: before it kept that"),
    ("history_read_at", "TIMESTAMP", "When its History was last read; empty: never"),
    ("emptied_at", "TIMESTAMP", "When its texts were emptied (forgotten, or beyond retention)"),
)
_BOOKKEEPING = (
    ("seen", "VARCHAR", "Bookkeeping: versions read and the columns each wrote last"),
    ("extra_seen", "JSON", "Bookkeeping: versions of the keys in extra"),
    ("cf_kept", "JSON", "Bookkeeping: last values of keys that cf lost, with their versions"),
)


@dataclass(frozen=True)
class Table:
    """One stream's table: its spec and the bit of each column of the spec."""

    spec: StreamSpec
    bits: Mapping[str, int]
    _masks: dict[tuple[str, ...], int] = dataclass_field(default_factory=dict, compare=False)

    @property
    def name(self) -> str:
        return self.spec.name

    @cached_property
    def kinds(self) -> dict[str, str]:
        """Columns that follow the merge law, with their types."""
        return {field.column: TYPES[field.type] for field in _merged(self.spec)}

    @cached_property
    def added(self) -> tuple[tuple[str, str, str], ...]:
        """Columns beyond the Fields: name, type, comment."""
        return (*_KEPT, *(_OF_TICKETS if self.name == TICKETS else ()), *_BOOKKEEPING)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return (*self.kinds, *(name for name, _, _ in self.added))

    @cached_property
    def owned(self) -> dict[str, int]:
        """The columns of each key that the stream models, as a mask."""
        found: dict[str, int] = {}
        for field in self.spec.fields:
            outer = field.path.partition(".")[0]
            found[outer] = found.get(outer, 0) | 1 << self.bits[field.column]
        return found

    def mask(self, columns: tuple[str, ...]) -> int:
        """The bits of `columns`; a column that the table lacks is a fault of the decoder."""
        if columns not in self._masks:
            if len(self._masks) > _PATTERNS:
                self._masks.clear()
            bits = (1 << self.bits[column] for column in columns if column != "extra")
            self._masks[columns] = sum(bits)
        return self._masks[columns]


def _merged(spec: StreamSpec) -> tuple[Field, ...]:
    """The Fields, and `cf` where the API has no key for it (CRM: custom fields lie at the top)."""
    if any(field.column == "cf" for field in spec.fields):
        return spec.fields
    return (*spec.fields, Field("cf", "cf", "json", "LSD", "Custom fields under their API names"))


def prepare(
    database: Database, specs: tuple[StreamSpec, ...] = (*STREAMS, *CHILDREN)
) -> dict[str, Table]:
    """Create what is missing: tables, columns, bits, comments."""
    with database.transaction():
        bits = _bits(database, specs)
        made = {spec.name: Table(spec, bits[spec.name]) for spec in specs}
        have = _existing(database)
        for table in made.values():
            statements = list(_ddl(table, have.get(table.name, frozenset())))
            if statements:
                database.run(Sql(";".join(statements)))
    return made


def _existing(database: Database) -> dict[str, frozenset[str]]:
    found = database.rows(
        Sql(
            "select schema_name || '.' || table_name, list(column_name) from duckdb_columns() "
            "where database_name = current_database() and schema_name in ('desk', 'crm') group by 1"
        )
    )
    return {name: frozenset(columns) for name, columns in found}


def _bits(database: Database, specs: tuple[StreamSpec, ...]) -> dict[str, dict[str, int]]:
    """The bit of each column by stream; a new column gets the next one, none ever moves."""
    bits: dict[str, dict[str, int]] = {spec.name: {} for spec in specs}
    for stream, column, bit in database.rows(Sql("from zdsync.columns")):
        bits.setdefault(stream, {})[column] = bit
    fresh = []
    for spec in specs:
        known = bits[spec.name]
        for field in _merged(spec):
            if field.column not in known:
                known[field.column] = max(known.values(), default=-1) + 1
                fresh.append([spec.name, field.column, str(known[field.column])])
    if fresh:
        database.run(Sql(_NEW_BITS, (orjson.dumps(fresh).decode(),)))
    return bits


_NEW_BITS = """
insert into zdsync.columns select r[1], r[2], r[3]::integer
from (select unnest(from_json(?, '[["VARCHAR"]]')) as r)
"""


def _ddl(table: Table, have: frozenset[str]) -> Iterator[str]:
    wanted = [*((c, kind, "") for c, kind in table.kinds.items()), *table.added]
    name = ident(table.name)
    if not have:
        yield f"create schema if not exists {ident(table.name.split('.', maxsplit=1)[0])}"
        columns = ", ".join(f"{ident(column)} {kind}" for column, kind, _ in wanted)
        yield f"create table {name} ({columns})"
        yield f"comment on table {name} is {literal(_about(table.spec))}"
    comments = {
        field.column: field.comment or _described(field.path) for field in _merged(table.spec)
    }
    for column, kind, comment in wanted:
        if have and column not in have:
            yield f"alter table {name} add column {ident(column)} {kind}"
        if column not in have:
            text = comment or comments[column]
            yield f"comment on column {name}.{ident(column)} is {literal(text)}"


def _about(spec: StreamSpec) -> str:
    system = "Zoho CRM" if spec.system == "crm" else "Zoho Desk"
    return spec.comment or f"{system} {spec.module}: one row a record, as last read"


def _described(path: str) -> str:
    return f"Zoho: {path}"


def literal(text: str) -> str:
    """Quote a constant of ours (DDL takes no bound values); never for data."""
    return "'" + text.replace("'", "''") + "'"
