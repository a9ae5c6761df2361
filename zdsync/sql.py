"""SQL text with its bound values, identifier quoting, and the loader of standing .sql files.

A value from a user, a rule or a record travels in `params` only; `text` holds constants and
identifiers that come from the Catalog.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values of its `?` marks, in order; adds up like text."""

    text: str
    params: tuple[Any, ...] = ()

    def __add__(self, other: Sql | str) -> Sql:
        if isinstance(other, str):
            return Sql(self.text + other, self.params)
        return Sql(self.text + other.text, self.params + other.params)

    def __radd__(self, other: str) -> Sql:
        return Sql(other + self.text, self.params)


def value(item: Any) -> Sql:
    """Bind one value."""
    return Sql("?", (item,))


def join(separator: str, pieces: Iterable[Sql]) -> Sql:
    """Join pieces of SQL with a constant separator."""
    parts = list(pieces)
    params = tuple(param for part in parts for param in part.params)
    return Sql(separator.join(part.text for part in parts), params)


def ident(name: str) -> str:
    """Quote an identifier; a dot separates schema and table."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in name.split("."))


@cache
def load(package: str, name: str) -> str:
    """Read a standing query, for example `load("zdsync.reports.queries", "workload.sql")`."""
    return files(package).joinpath(name).read_text(encoding="utf-8")
