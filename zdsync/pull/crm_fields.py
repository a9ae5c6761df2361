"""Which fields of a CRM module are asked for, which move silently, and which are hidden.

All that the portal declares are asked for, but what no list carries (crm.md 3) and what privacy
settings hide: a null of those would look like an empty value (crm.md 15 HIPAA).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from zdsync.mirror import Mirror, empty_field
from zdsync.sql import Sql
from zdsync.streams import BY_NAME, StreamSpec

log = logging.getLogger(__name__)

_MOVING = frozenset({"formula", "rollup_summary"})  # crm.md 6 "Not caught"
_UNLISTED = frozenset({"subform", "multiselectlookup", "multiuserlookup"})


@dataclass(frozen=True, slots=True)
class Asked:
    """API names to ask for; those that go to `cf`; those whose values move without a version."""

    names: tuple[str, ...]
    custom: frozenset[str] = frozenset()
    moving: tuple[str, ...] = ()


def asked_of(mirror: Mirror, spec: StreamSpec) -> Asked:
    """What to ask of a module, as its metadata says; without any, what we model."""
    modelled = tuple(dict.fromkeys(field.path.split(".")[0] for field in spec.fields))
    hidden = hidden_of(mirror, spec)
    told = mirror.rows(Sql(_DECLARED, (spec.module,)))
    kinds = {str(name): str(kind or "") for name, kind, _ in told}
    if not kinds:
        return Asked(modelled)
    listed = [name for name in kinds if kinds[name] not in _UNLISTED and name not in hidden]
    names = (*(n for n in modelled if n in listed), *sorted(set(listed) - set(modelled)))
    return Asked(
        names,
        frozenset(str(name) for name, _, custom in told if custom),
        tuple(name for name in names if kinds[name] in _MOVING),
    )


_DECLARED = (
    "SELECT api_name, lower(data_type), custom_field FROM crm.fields "
    "WHERE module = ? AND deleted_at IS NULL AND api_name IS NOT NULL ORDER BY api_name"
)


def hidden_of(mirror: Mirror, spec: StreamSpec) -> frozenset[str]:
    """The fields of a module that privacy settings hide."""
    query = Sql("SELECT api_name FROM zdsync.hidden_fields WHERE stream = ?", (spec.name,))
    return frozenset(str(name) for (name,) in mirror.rows(query))


def empty_hidden(mirror: Mirror, streams: tuple[str, ...]) -> int:
    """Empty what the mirror still holds of hidden fields; returns how many values."""
    emptied = 0
    with mirror.transaction():
        for spec in (BY_NAME[name] for name in streams):
            for name in sorted(hidden_of(mirror, spec)):
                columns = [f.column for f in spec.fields if f.path.split(".")[0] == name]
                emptied += empty_field(mirror.rows, mirror.run, spec.name, columns, name)
        if emptied:
            log.warning("crm hidden fields: %d values emptied", emptied)
            mirror.touch()
    return emptied
