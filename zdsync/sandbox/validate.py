"""Strictness of requests: query parameters and bodies against small tables.

Owns what Zoho refuses before it looks at a record: unknown parameters, bad numbers, too
many values, unknown body keys. Promises Refused with Zoho's code. Must not know state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .records import Json
from .times import parse_iso
from .wire import Refused, field_error, invalid_data, unprocessable

_DIGITS = re.compile(r"[0-9]+")


@dataclass(frozen=True, slots=True)
class Param:
    """One query parameter: kind int, bool, id, text, range or custom; many = comma list."""

    kind: str
    lo: int | None = None
    hi: int | None = None
    choices: tuple[str, ...] = ()
    many: bool = False
    required: bool = False
    extra: str = ""


def integer(lo: int | None = None, hi: int | None = None) -> Param:
    """Take a whole number within bounds."""
    return Param("int", lo, hi)


def offsets(lo: int | None = 1, hi: int | None = None) -> dict[str, Param]:
    """Take `limit` within bounds, and `from`."""
    return {"limit": integer(lo, hi), "from": integer(0)}


def one_id(required: bool = False) -> Param:
    """Take one record id."""
    return Param("id", required=required)


def ids(most: int = 1000, required: bool = False, extra: str = "") -> Param:
    """Take a comma list of ids; `extra` is one more word that is allowed."""
    return Param("id", None, most, many=True, required=required, extra=extra)


def text(lo: int = 0, hi: int = 1000) -> Param:
    """Take a text of a length."""
    return Param("text", lo, hi)


def texts(most: int = 1000) -> Param:
    """Take a comma list of texts."""
    return Param("text", None, most, many=True)


def enum(*choices: str, required: bool = False) -> Param:
    """Take one of the words."""
    return Param("text", None, None, choices, required=required)


def enums(*choices: str, required: bool = False) -> Param:
    """Take a comma list of the words."""
    return Param("text", None, None, choices, many=True, required=required)


def sort(*keys: str) -> Param:
    """Take a sort key, with or without a minus."""
    return Param("text", None, None, keys + tuple("-" + key for key in keys))


BOOL = Param("bool")
RANGE = Param("range")
CUSTOM = Param("custom")


def check_query(query: Mapping[str, list[str]], params: Mapping[str, Param]) -> dict[str, Any]:
    """Return the parsed parameters, or refuse the call."""
    for name in query:
        if name not in params:
            # DT 1 "Unknown query parameters are refused"
            raise unprocessable(f"An extra query parameter '{name}' is found")
    out: dict[str, Any] = {}
    for name, param in params.items():
        if name in query:
            out[name] = _read(name, ",".join(query[name]), param)
        elif param.required:
            raise unprocessable(f"The query parameter '{name}' is missing")
    return out


def _read(name: str, raw: str, param: Param) -> Any:
    if not param.many:
        return _read_one(name, raw, param)
    values = [part.strip() for part in raw.split(",") if part.strip()]
    if not values or (param.hi is not None and len(values) > param.hi):
        raise _bad(name, f"takes 1 to {param.hi} values")
    one = Param(param.kind, None, None, param.choices, extra=param.extra)
    return [_read_one(name, value, one) for value in values]


def _read_one(name: str, raw: str, param: Param) -> Any:
    match param.kind:
        case "int":
            return _integer(name, raw, param)
        case "bool":
            if raw not in ("true", "false"):
                raise _bad(name, "must be true or false")
            return raw == "true"
        case "id":
            if not _DIGITS.fullmatch(raw) and raw != (param.extra or None):
                raise _bad(name, "must be a number")
            return raw
        case "range":
            return _range(name, raw)
        case "custom":
            if ":" not in raw or raw.startswith(":"):
                raise _bad(name, "must be apiName:value")
            return tuple(raw.split(":", 1))
        case _:
            return _text(name, raw, param)


def _integer(name: str, raw: str, param: Param) -> int:
    if not re.fullmatch(r"-?[0-9]{1,9}", raw):
        raise _bad(name, "must be a number")
    value = int(raw)
    if (param.lo is not None and value < param.lo) or (param.hi is not None and value > param.hi):
        raise _bad(name, f"must be in the range of '{param.lo}-{param.hi}'")
    return value


def _text(name: str, raw: str, param: Param) -> str:
    if param.choices and raw not in param.choices:
        raise _bad(name, f"must be one of {', '.join(param.choices)}")
    if param.lo is not None and len(raw) < param.lo:
        raise _bad(name, f"needs {param.lo} characters at least")
    if param.hi is not None and len(raw) > param.hi:
        raise _bad(name, f"takes {param.hi} characters at most")
    return raw


def _range(name: str, raw: str) -> tuple[int, int]:
    parts = raw.split(",")
    ends = [parse_iso(part) for part in parts]
    if len(parts) != 2 or len(raw) > 100 or ends[0] is None or ends[1] is None:
        raise _bad(name, "must be two UTC instants joined by a comma")
    if ends[0] > ends[1]:
        raise _bad(name, "must start before it ends")
    return ends[0], ends[1]


def _bad(name: str, why: str) -> Refused:
    return unprocessable(f"The value passed for the query parameter '{name}' {why}")


@dataclass(frozen=True, slots=True)
class Field:
    """One body key: kind text, id, ids, bool, int, map, time, object, list."""

    kind: str
    most: int = 65535
    required: bool = False
    null: bool = False
    choices: tuple[str, ...] = ()


Body = Mapping[str, Field]


def check_body(body: object, table: Body) -> Json:
    """Return the body, or refuse it with every bad key named (DT 3, closed bodies)."""
    if not isinstance(body, dict):
        raise unprocessable("The request body must be a JSON object")
    errors = [
        field_error(f"/{key}", "invalid", "An extra parameter is found")
        for key in body
        if key not in table
    ]
    for key, spec in table.items():
        if key not in body:
            if spec.required:
                errors.append(field_error(f"/{key}", "missing", "A mandatory key is missing"))
        elif not _fits(body[key], spec):
            errors.append(field_error(f"/{key}", "invalid", f"The value of {key} is not valid"))
    if errors:
        raise invalid_data(errors)
    return body


def _fits(value: object, spec: Field) -> bool:
    if value is None:
        return spec.null
    match spec.kind:
        case "text":
            return (
                isinstance(value, str)
                and len(value) <= spec.most
                and (not spec.choices or value in spec.choices)
            )
        case "id":
            return _is_id(value) or (spec.null and value in ("", "null"))
        case "ids":
            return (
                isinstance(value, list)
                and 0 < len(value) <= spec.most
                and all(_is_id(v) for v in value)
            )
        case "bool":
            return isinstance(value, bool)
        case "map":
            return isinstance(value, dict) and all(_is_cf(v) for v in value.values())
        case "time":
            return isinstance(value, str) and (value == "null" or parse_iso(value) is not None)
        case "object":
            return isinstance(value, dict)
        case _:
            return isinstance(value, list) and len(value) <= spec.most


def _is_id(value: object) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (isinstance(value, str) and bool(_DIGITS.fullmatch(value)))


def _is_cf(value: object) -> bool:
    # DT 3 "Lengths": custom-field value 255 on write
    return value is None or isinstance(value, int) or (isinstance(value, str) and len(value) <= 255)
