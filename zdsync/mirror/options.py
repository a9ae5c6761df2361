"""zdsync.options: settings that views and other runs read, one word each."""

from __future__ import annotations

from collections.abc import Mapping

from zdsync.mirror.database import Database
from zdsync.sql import Sql

DEFAULTS = {"sla_tier_field": "SLA_Tier", "outcome_field": "cf_outcome", "crm": "on"}


def write(database: Database, options: Mapping[str, str]) -> None:
    """Write zdsync.options; the views read the JSON paths, so that names need no SQL text."""
    wanted = {
        **options,
        "sla_tier_path": _json_path(options["sla_tier_field"]),
        "outcome_path": _json_path(options["outcome_field"]),
    }
    have = dict(database.rows(Sql("select name, value from zdsync.options")))
    with database.transaction():
        for name, value in wanted.items():
            if have.get(name) != value:
                database.run(Sql("delete from zdsync.options where name = ?", (name,)))
                database.run(Sql("insert into zdsync.options values (?, ?)", (name, value)))


def _json_path(name: str) -> str:
    return '$."' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
