"""The guards of unattended ticks, as the file names them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from zdsync.rules.models import LimitsModel
from zdsync.rules.nodes import Node


@dataclass(frozen=True, slots=True)
class Limits:
    """The guards of unattended ticks; `share_of_open_tickets` is a fraction."""

    changes_per_tick: int = 500
    changes_per_rule: int = 200
    changes_per_day: int = 3000
    share_of_open_tickets: float = 0.25
    destructive_per_tick: int = 20
    destructive_per_day: int = 50


def read_limits(node: Node | None) -> Limits:
    """Read the section `limits`; where it is wrong, which the shape check notes, the usual ones."""
    try:
        model = LimitsModel.model_validate(node.plain() if node else {})
    except ValueError:
        return Limits()
    values = model.model_dump()
    share = float(values.pop("share_of_open_tickets").rstrip("%")) / 100
    return Limits(share_of_open_tickets=share, **values)
