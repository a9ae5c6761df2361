"""Custom fields that the portal no longer has: their last values stay in `cf`.

`cf` is one register: the newest row's answer. A key that an answer no longer carries was emptied,
hidden or its field is gone; only the fields' metadata tells which. Until then its last value and
version lie in `cf_kept`, and those of vanished fields are shown in `cf`. Order of reading does
not matter: per key the greatest version wins (versions.merge_kept).
"""

# ruff: noqa: S608 - identifiers come from the Catalog and from constants, values are bound

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import orjson

from zdsync.mirror import versions
from zdsync.mirror.database import Database
from zdsync.mirror.versions import Kept, Version
from zdsync.sql import Sql, ident
from zdsync.streams import BY_NAME

STREAMS = (
    *("desk.tickets", "desk.contacts", "desk.accounts"),
    *("crm.contacts", "crm.accounts", "crm.leads"),
)
_SOME = 5_000  # rows of a refresh at once


def gone_keys(database: Database, stream: str) -> frozenset[str]:
    """API names of a stream's custom fields that vanished from the metadata."""
    spec = BY_NAME[stream]
    custom = "is_custom_field" if spec.system == "desk" else "custom_field"
    query = (
        f"select api_name from {spec.system}.fields "
        f"where module = ? and {custom} and deleted_at is not null and api_name is not null"
    )
    return frozenset(str(row[0]) for row in database.rows(Sql(query, (spec.module,))))


def read(text: str | None) -> Kept:
    """Read the column cf_kept."""
    told: dict[str, Any] = orjson.loads(text) if text else {}
    return {key: (item, _version(at)) for key, (item, at) in told.items()}


def merge(
    cf: str | None,
    kept: str | None,
    at_cf: Version | None,
    *,
    incoming: object,
    at: Version,
    gone: Collection[str],
) -> dict[str, Any] | None:
    """What a row with `cf` writes beyond itself: the columns cf and cf_kept; None for nothing."""
    before = read(kept)
    shown = orjson.loads(cf) if cf else None
    own = _own(shown, before)
    given = incoming if isinstance(incoming, dict) else {}
    newest = own if at_cf is not None and at_cf > at else given
    after = versions.merge_kept(own, at_cf, before, given, at)
    if not before and not after:
        return None
    told = shown if newest is own else incoming
    raw: Any = newest if newest or told is not None else None  # {} is told, null is not
    if told is not None and not isinstance(told, dict):
        raw = told
    return {"cf": _shown(raw, after, gone), "cf_kept": after}


def show(database: Database, system: str) -> int:
    """Show in `cf` what vanished fields held, and hide what came back; returns rows touched.

    The caller holds the transaction.
    """
    return sum(_refresh(database, name) for name in STREAMS if name.startswith(system + "."))


def _refresh(database: Database, stream: str) -> int:
    gone = gone_keys(database, stream)
    query = f"select rowid, cf, cf_kept from {ident(stream)} where cf_kept is not null"
    todo = []
    for rowid, cf, kept in database.rows(Sql(query)):
        held = read(kept)
        shown = _shown(_own(orjson.loads(cf) if cf else None, held) or None, held, gone)
        text = None if shown is None else orjson.dumps(shown).decode()
        if text != cf:
            todo.append([str(rowid), text])
    for start in range(0, len(todo), _SOME):
        some = orjson.dumps(todo[start : start + _SOME]).decode()
        database.run(Sql(_UPDATE.format(table=ident(stream)), (some,)))
    return len(todo)


_UPDATE = """
update {table} set cf = n.cf::json
from (select r[1]::bigint as at, r[2] as cf
      from (select unnest(from_json($1, '[["VARCHAR"]]')) as r)) n
where rowid = n.at
"""


def _own(shown: object, kept: Mapping[str, object]) -> dict[str, Any]:
    return {k: v for k, v in shown.items() if k not in kept} if isinstance(shown, dict) else {}


def _shown(newest: Any, kept: Kept, gone: Collection[str]) -> Any:
    held = {key: item for key, (item, _) in kept.items() if key in gone and item is not None}
    return {**held, **(newest if isinstance(newest, dict) else {})} if held else newest


def _version(told: list[Any]) -> Version:
    return (str(told[0]), int(told[1]), int(told[2]), int(told[3]))
