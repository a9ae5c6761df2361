"""From Zoho's records to rows: the one border where types and names are made ours.

Promises that no row with an id is dropped, that a value which does not fit its column is kept
in `extra`, and that a key which the answer did not carry stays absent. Pure.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from zdsync.model import Row, Shape
from zdsync.streams import Field, StreamSpec

log = logging.getLogger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LEAST, _MOST = -(2**63), 2**63 - 1  # what a BIGINT holds
_LETTER = {Shape.LIST: "L", Shape.SEARCH: "S", Shape.DETAIL: "D"}


class _Misfit(Exception):
    """The value does not fit the column's type."""


@dataclass(frozen=True, slots=True)
class _Target:
    """Where one key goes: a column, or inner keys of an object."""

    column: str
    read: Callable[[Any], Any]
    declared: bool  # whether this shape is documented to carry the key
    inner: tuple[tuple[str, _Target], ...] = ()


def decode(
    spec: StreamSpec,
    shape: Shape,
    records: Iterable[Mapping[str, Any]],
    custom: frozenset[str] = frozenset(),
) -> tuple[Row, ...]:
    """Turn records of one answer into rows, in order.

    `custom` names the CRM's custom fields, which go to `cf`. Records without an id are left
    out and counted in the log.
    """
    targets = _targets(spec, shape)
    rows = []
    lost = 0
    for record in records:
        row = _row(targets, spec, record, custom)
        if row.get("id"):
            rows.append(row)
        else:
            lost += 1
    if lost:
        log.warning("stream=%s rows_without_id=%d", spec.name, lost)
    return tuple(rows)


def _row(
    targets: Mapping[str, _Target],
    spec: StreamSpec,
    record: Mapping[str, Any],
    custom: frozenset[str],
) -> Row:
    row: Row = {}
    extra: dict[str, Any] = {}
    own: dict[str, Any] = {}
    for key, value in record.items():
        target = targets.get(key)
        if target is None:
            if key in spec.ignored or key[0:1] == "$":  # "$…": system data (crm.md 15)
                continue
            (own if key in custom else extra)[key] = value
        elif target.inner:
            _open(target, key, value, row, extra)
        elif value is None:
            if target.declared:
                row[target.column] = None
        else:
            try:
                row[target.column] = target.read(value)
            except _Misfit:
                row[target.column] = None
                extra[key] = value
    if custom:
        row["cf"] = own
    if extra:
        row["extra"] = extra
    return row


def _open(target: _Target, key: str, value: Any, row: Row, extra: dict[str, Any]) -> None:
    """Read inner keys. An object without a key leaves its column unknown (desk-people.md 3)."""
    if value is None:
        for _, inside in target.inner:
            if inside.declared:
                row[inside.column] = None
        return
    if not isinstance(value, dict):
        extra[key] = value
        return
    for name, inside in target.inner:
        if name in value:
            try:
                found = value[name]
                row[inside.column] = None if found is None else inside.read(found)
            except _Misfit:
                row[inside.column] = None
                extra[key] = value


@cache
def _targets(spec: StreamSpec, shape: Shape) -> Mapping[str, _Target]:
    plain: dict[str, _Target] = {}
    nested: dict[str, list[tuple[str, _Target]]] = {}
    for field in spec.fields:
        target = _Target(field.column, _READERS[field.type], _LETTER[shape] in field.shapes)
        outer, _, inner = field.path.partition(".")
        if inner:
            nested.setdefault(outer, []).append((inner, target))
        else:
            plain[outer] = target
    for outer, members in nested.items():
        plain[outer] = _Target("", _json, True, tuple(members))
    return plain


def api_names(fields: Sequence[Field]) -> tuple[str, ...]:
    """Return the outer keys that the fields read, in order, each once."""
    return tuple(dict.fromkeys(field.path.partition(".")[0] for field in fields))


def instant(value: object) -> str:
    """Write an instant as UTC text "YYYY-MM-DD HH:MM:SS[.ffffff]"; ValueError if it is none.

    Reads ISO with any offset (none means UTC) and epoch milliseconds as number or digits
    (zoho/README.md, disagreement 1).
    """
    if isinstance(value, str) and not value.isdigit():
        moment = datetime.fromisoformat(value.strip())
        if len(value) in (20, 24) and value[19:] in ("Z", ".000Z") and value[10] == "T":
            return f"{value[:10]} {value[11:19]}"  # by far the most: checked above, then cut
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    elif isinstance(value, (int, str)) and not isinstance(value, bool):
        try:
            moment = _EPOCH + timedelta(milliseconds=int(value))
        except OverflowError:
            raise ValueError("not an instant") from None
    else:
        raise ValueError("not an instant")
    return text_of(moment)


def text_of(moment: datetime) -> str:
    """Write an aware UTC datetime the way rows hold it."""
    return moment.isoformat(" ")[:-6]


def moment_of(text: str) -> datetime:
    """Read back what `text_of` wrote."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _instant(value: Any) -> str | None:
    if value == "":
        return None
    try:
        return instant(value)
    except (ValueError, OverflowError):
        raise _Misfit from None


def _date(value: Any) -> str | None:
    if value == "":
        return None
    try:
        return date.fromisoformat(value).isoformat()
    except (ValueError, TypeError):
        raise _Misfit from None


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return str(value)
    raise _Misfit


def _int(value: Any) -> int | None:
    if isinstance(value, bool):
        raise _Misfit
    if value == "":
        return None
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        raise _Misfit from None
    if (isinstance(value, float) and number != value) or not _LEAST <= number <= _MOST:
        raise _Misfit
    return number


def _float(value: Any) -> float | None:
    if value == "":
        return None
    try:
        return float(value) if not isinstance(value, bool) else _misfit()
    except (ValueError, TypeError):
        raise _Misfit from None


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _Misfit


def _json(value: Any) -> Any:
    return value


def _list(value: Any) -> list[str]:
    if not isinstance(value, list):
        raise _Misfit
    return [_text(item) for item in value]


def _misfit() -> float:
    raise _Misfit


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "instant": _instant,
    "date": _date,
    "json": _json,
    "list": _list,
}
