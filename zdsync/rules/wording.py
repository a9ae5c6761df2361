"""What a rule says of the ticket of an example: its own template, filled with the values given.

Promises the text that the plan would say of such a ticket, but for what only a real one has: its
number, id and link stand for themselves. Must not: run SQL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zdsync.rules.compiled import CompiledRule, Notify, Speech
from zdsync.rules.folding import fold
from zdsync.rules.templates import CannotRender, render
from zdsync.sql import Sql

SAID = "true"  # of an example that does not ask for the wording
_MADE_UP = ("ticket.id", "ticket.number", "ticket.link")


def asks(action: Speech) -> list[Sql]:
    """List what must be asked of SQL to fill the template."""
    return [field.raw for _, field in action.text.fields]


def says(
    action: Speech, rule: CompiledRule, answers: Sequence[Any], wanted: str | None
) -> str | None:
    """What is said, as the example words it: `true`, or its part of the text where that is there.

    Else the whole text, folded, to show. `answers` are those of `asks`.
    """
    values: dict[str, Any] = {name: name for name in _MADE_UP}
    values |= {"rule.id": rule.id, "rule.why": rule.why}
    values |= dict(zip((name for name, _ in action.text.fields), answers, strict=True))
    try:
        text = fold(render(action.text, values, html=not isinstance(action, Notify)))
    except CannotRender as error:
        return f"nothing, for {error}"
    part = fold(wanted or "")
    if not part or part == SAID:
        return SAID
    return part if part in text else text
