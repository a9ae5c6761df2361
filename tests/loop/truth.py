"""What a published mirror holds, compared with one that was read afresh, without any trouble."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from zdsync.mirror import Reader
from zdsync.readings import published
from zdsync.settings import Settings
from zdsync.sql import Sql
from zdsync.streams import BY_NAME, STREAMS, StreamSpec

# What differs between two readings of one truth.
_OWN = {
    *("pulled_at", "seen", "extra_seen", "tags_read_at"),
    *("status_since", "status_since_source", "assigned_since", "assigned_since_source"),
    *("first_seen_at", "history_read_at", "tags_row", "cf_kept", "deleted_at", "presence"),
}
_LISTED = {field.column for field in BY_NAME["desk.tickets"].fields if "L" in field.shapes}
_DOUBLED = "select count(*) - count(distinct id) from "


def content(settings: Settings) -> dict[str, dict[str, dict[str, Any]]]:
    """Every value of every live record, by stream and id, as published."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    with closing(Reader.open(published(settings), memory="256MB")) as mirror:
        for spec in STREAMS:
            assert mirror.rows(Sql(_DOUBLED + spec.name)) == [(0,)], spec.name
            own = _OWN | _seen_in_detail(spec)
            alive = f"select * from {spec.name} where deleted_at is null"
            names, rows = mirror.columns_and_rows(Sql(alive))
            found[spec.name] = {
                str(row[names.index("id")]): {
                    name: cell for name, cell in zip(names, row, strict=True) if name not in own
                }
                for row in rows
            }
    return found


def differences(settings: Settings, truth: dict[str, dict[str, dict[str, Any]]]) -> list[Any]:
    """Where a published mirror is not as it should be: stream, id, what it has, what is true."""
    found = []
    for stream, have in content(settings).items():
        for id in have.keys() | truth[stream].keys():
            ours, true = have.get(id) or {}, truth[stream].get(id) or {}
            names = [name for name in {**ours, **true} if ours.get(name) != true.get(name)]
            if true.get("is_archived"):  # read from their list, which carries less than search did
                names = [name for name in names if true.get(name) is not None or name in _LISTED]
            found += [(stream, id, name, ours.get(name), true.get(name)) for name in names]
    return found


def _seen_in_detail(spec: StreamSpec) -> set[str]:
    """Columns that only a read by id carries: a mirror has them of the tickets it wrote."""
    if spec.walk != "time":
        return set()
    some = {field.column for field in spec.fields if "S" not in field.shapes}
    return {name for name in some if not name.startswith("zoho_crm")}
