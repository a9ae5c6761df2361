"""Empties what is stored of forgotten persons, of old tickets and of columns never to be stored.

Which columns those are says zdsync.personal; which tables there are says the file, so a new one
is emptied without an edit here. Repeating any of it changes nothing. The caller holds the
transaction; the bytes go with `rewriting`.
"""

# ruff: noqa: S608 - identifiers come from the file's own catalogue, values are bound

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import orjson

from zdsync import personal
from zdsync.mirror.database import Database
from zdsync.mirror.upsert import naive
from zdsync.personal import TICKETS, Named
from zdsync.sql import Sql, ident

_FORGOTTEN = "zdsync.forgotten"
_TAGGED = ("zdsync.ticket_changes", "zdsync.releases")  # a tag may be called like a person
_COLUMNS = """
select c.schema_name || '.' || c.table_name, c.column_name, c.data_type from duckdb_columns() c
join duckdb_tables() t using (database_oid, schema_oid, table_oid)
where c.database_name = current_database() and c.schema_name in ('desk', 'crm', 'zdsync')
order by 1, c.column_index
"""
# A closed ticket whose class or times a profile hides: its status tells, or its last change.
_OLD = """
coalesce(t.status_type, (select s.class from zdsync.statuses s where s.status = t.status))
    = 'Closed' and coalesce(t.closed_time, t.modified_time) < ?::timestamp
"""
_CF = """case when t.cf is not null then (
    select json_group_object(key, value) from json_each(t.cf)
    where json_type(value) in ('BIGINT', 'UBIGINT', 'DOUBLE', 'BOOLEAN', 'NULL') or key = ?
) end"""


def tables(database: Database) -> dict[str, dict[str, str]]:
    """Every table of the mirror with its columns and their types."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in database.rows(Sql(_COLUMNS)):
        found.setdefault(table, {})[column] = kind
    return found


# -- forgotten persons -------------------------------------------------------------------------


def of_forgotten(kinds: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str]]:
    """The tables that may hold something of a forgotten person, each with its condition."""
    of = f"in (select id from {_FORGOTTEN} where stream ="
    for table, columns in kinds.items():
        if table in personal.FORGETTABLE:
            yield table, f"t.id {of} '{table}')"
        elif "ticket_id" in columns and table != _FORGOTTEN:
            yield table, f"t.ticket_id {of} '{TICKETS}')"


def empty_forgotten(database: Database, at: datetime) -> dict[str, int]:
    """Empty everything personal of every forgotten record; returns the rows touched by table."""
    kinds = tables(database)
    touched = {}
    for table, where in of_forgotten(kinds):
        if table in personal.DROPPED:
            many = database.count(Sql(f"delete from {ident(table)} t where {where}"))
        else:
            many = _empty(database, table, kinds[table], where)
        if table in _TAGGED:
            own = f"delete from {ident(table)} t where {where} and t.field like 'tag:%'"
            many += database.count(Sql(own))
        if table == TICKETS:
            _mark(database, where, at)
        if many:
            touched[table] = many
    return touched


def _empty(database: Database, table: str, kinds: Mapping[str, str], where: str) -> int:
    columns = personal.personal(table, kinds)
    if not columns:
        return 0
    valued = personal.VALUES & set(columns) if "field" in kinds else frozenset()
    plain = "coalesce(t.field like 'tag:%' or t.field in (select unnest($1)), false)"
    sets, filled = [], []
    for column in columns:
        name = f"t.{ident(column)}"
        held = f"{name} <> ''" if kinds[column] == "VARCHAR" else f"{name} is not null"
        spared = column in valued
        filled.append(f"({held} and not {plain})" if spared else held)
        sets.append(
            f"{ident(column)} = " + (f"case when {plain} then {name} end" if spared else "null")
        )
    params = (sorted(personal.PLAIN_FIELDS),) if valued else ()
    statement = (
        f"update {ident(table)} t set {', '.join(sets)} where {where} and ({' or '.join(filled)})"
    )
    return database.count(Sql(statement, params))


def _mark(database: Database, where: str, at: datetime) -> None:
    database.run(
        Sql(
            f"update desk.tickets t set emptied_at = ?::timestamp "
            f"where {where} and t.emptied_at is null",
            (naive(at),),
        )
    )


def unmark(database: Database, whole: Mapping[str, str]) -> None:
    """Note that tickets hold their texts again (id → modified time of the row that told them)."""
    text = orjson.dumps([[one, at] for one, at in whole.items()]).decode()
    database.run(
        Sql(
            "update desk.tickets t set emptied_at = null from "
            """(select unnest(from_json($1, '[["VARCHAR"]]')) as r) n """
            "where t.emptied_at is not null and t.id = n.r[1] "
            "and t.modified_time = n.r[2]::timestamp",
            (text,),
        )
    )


# -- old tickets -------------------------------------------------------------------------------


def old(database: Database, ids: Iterable[str], cutoff: datetime) -> set[str]:
    """Those of some tickets that were closed before the cutoff, as the mirror holds them."""
    where = f"""{_OLD} and t.id in (select unnest(from_json(?, '["VARCHAR"]')))"""
    params = (naive(cutoff), orjson.dumps(list(ids)).decode())
    found = database.rows(Sql(f"select t.id from desk.tickets t where {where}", params))
    return {row[0] for row in found}


def retire(
    database: Database,
    cutoff: datetime,
    at: datetime,
    *,
    kept_key: str,
    ids: Iterable[str] | None = None,
) -> int:
    """Empty the texts of tickets closed before the cutoff and of what hangs on them.

    `kept_key`: the custom field that reports count by. `ids`: only of these tickets. Returns how
    many tickets were touched.
    """
    texts = (*personal.RETIRED, "extra", "cf_kept")
    filled = " or ".join(f"t.{ident(column)} is not null" for column in texts)
    sets = ", ".join(f"{ident(column)} = null" for column in texts)
    where, params = _OLD, [naive(cutoff)]
    if ids is not None:
        where += """ and t.id in (select unnest(from_json(?, '["VARCHAR"]')))"""
        params.append(orjson.dumps(list(ids)).decode())
    many = database.count(
        Sql(
            f"update desk.tickets t set {sets}, cf = {_CF}, "
            "emptied_at = coalesce(t.emptied_at, ?::timestamp) "
            f"where {where} and (t.emptied_at is null or {filled})",
            (kept_key, naive(at), *params),
        )
    )
    kinds = tables(database)
    for table, columns in kinds.items():
        if "ticket_id" not in columns or table in ("zdsync.journal", _FORGOTTEN):
            continue
        gone = "t.ticket_id in (select id from desk.tickets where emptied_at is not null)"
        if table in personal.OF_TEXTS:
            database.run(Sql(f"delete from {ident(table)} t where {gone}"))
        elif table.startswith("desk.") and table not in personal.DROPPED:
            many += _empty(database, table, columns, gone)
    return many


# -- columns that are never stored -------------------------------------------------------------


def empty_columns(database: Database, names: Sequence[Named]) -> int:
    """Empty columns and keys of `cf` that are no longer stored; returns the rows touched."""
    kinds = tables(database)
    many = 0
    for one in names:
        columns = kinds.get(one.table, {})
        table = ident(one.table)
        if not one.key and one.column in columns:
            column = ident(one.column)
            text = f"update {table} set {column} = null where {column} is not null"
            many += database.count(Sql(text))
            if one.column == "cf":
                text = f"update {table} set cf_kept = null where cf_kept is not null"
                many += database.count(Sql(text))
        for column in ("cf", "cf_kept", "extra") if one.key else ("extra",):
            if column in columns:
                many += _drop_key(database, one, column)
        for field in one.fields:
            text = "update zdsync.ticket_changes set before = null, after = null where field = ?"
            database.run(Sql(text, (field,)))
        if one.table == TICKETS and one.column in ("subject", "description"):
            for kept in personal.OF_TEXTS:
                database.run(Sql(f"delete from {ident(kept)}"))
    return many


def _drop_key(database: Database, one: Named, column: str) -> int:
    patch = orjson.dumps({one.api_key: None}).decode()
    path = '$."' + one.api_key.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return database.count(
        Sql(
            f"update {ident(one.table)} set {column} = json_merge_patch({column}, ?) "
            f"where json_exists({column}, ?)",
            (patch, path),
        )
    )


def people(database: Database, word: str) -> list[str]:
    """Ids of the Desk contacts with this id or e-mail address."""
    return [row[0] for row in database.rows(Sql(_PEOPLE, (word,)))]


def near(database: Database, word: str) -> str:
    """The id of the contact whose id or e-mail address is most like a word; or nothing."""
    found = database.rows(Sql(_NEAR, (word,)))
    return str(found[0][0]) if found else ""


def records_of(database: Database, contact: str) -> list[tuple[str, str]]:
    """The records of a person: stream and id of the contact, of its CRM rows, of its tickets.

    CRM rows are those that the contact points at or that have its e-mail address; tickets are
    its own and those without a contact that carry its address.
    """
    return [(row[0], row[1]) for row in database.rows(Sql(_RECORDS, (contact,)))]


_PEOPLE = """
select id from desk.contacts where id = $1
    or lower(trim(email)) = lower(trim($1)) or lower(trim(secondary_email)) = lower(trim($1))
union select contact_id from desk.tickets where contact_id = $1 order by 1
"""
_NEAR = """
select id, greatest(jaro_winkler_similarity(id, $1),
    jaro_winkler_similarity(lower(coalesce(email, '')), lower($1))) as likeness
from desk.contacts where likeness > 0.9 order by likeness desc, id limit 1
"""
_RECORDS = f"""
with person as (
    select zoho_crm_contact_id as link,
        unnest([lower(trim(email)), lower(trim(secondary_email))]) as mail
    from desk.contacts where id = $1
),
mails as (select distinct mail from person where mail <> '')
select '{personal.CONTACTS}' as stream, $1 as id
union select '{TICKETS}', id from desk.tickets where contact_id = $1
union select '{TICKETS}', t.id from desk.tickets t join mails on mail = lower(trim(t.email))
    where t.contact_id is null
union select stream, link from person, (values ('crm.contacts'), ('crm.leads')) streams(stream)
    where link is not null
union select 'crm.contacts', c.id from crm.contacts c join mails on mail = lower(trim(c.email))
union select 'crm.leads', c.id from crm.leads c join mails on mail = lower(trim(c.email))
order by 1, 2
"""
