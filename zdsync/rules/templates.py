"""Templates of comments, replies and notices: text with fields in {{ }}, proven before it is sent.

Owns: which names a template may use and what it is rendered to. Promises: a value is one line of
at most 2,000 characters; in HTML every value is escaped. Must not: read a record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from zdsync.rules.fields import RuleField
from zdsync.rules.markup import strip_html
from zdsync.rules.nodes import Node, near
from zdsync.rules.parse import Parser
from zdsync.rules.template_source import Blank, Refused, parsed, program, variable
from zdsync.text import printable

LONGEST_TEXT = 30_000  # of what it comes to: a comment takes 32,000 (desk-tickets.md section 3)
_LONGEST_VALUE = 2_000
# What a template may name beside the fields of the language.
EXTRAS = ("ticket.id", "ticket.number", "ticket.link", "rule.id", "rule.why")
# How Zoho spells a mention (desk-tickets.md, Comments): a customer must not be able to make one.
_MENTION = re.compile(r"(?i)zsu(?=\[)")


class CannotRender(Exception):
    """A template that cannot be filled for one ticket; the reason holds no value of a record."""


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template. `names` are its dotted names as they stand, `fields` those of tickets."""

    source: str
    names: tuple[str, ...] = ()
    fields: tuple[tuple[str, RuleField], ...] = ()

    @property
    def extras(self) -> tuple[str, ...]:
        """The names that are no fields: `ticket.number` and the like."""
        known = {name for name, _ in self.fields}
        return tuple(name for name in self.names if name not in known)


def read_template(node: Node, parser: Parser) -> Template | None:
    """Read and check one template; None where a problem was noted at its node."""
    if not node.named:
        return None  # the shape check has noted it
    try:
        program(node.text, True)
        names = parsed(node.text)[1]
    except Refused as refused:
        parser.notes.add(_spot(node, refused.token), refused.what, refused.hint)
        return None
    before = len(parser.notes.found)
    fields: list[tuple[str, RuleField]] = []
    for name in names:
        spot = _spot(node, name)
        if name in EXTRAS:
            continue
        if name.partition(".")[0] in ("ticket", "rule"):
            parser.notes.add(spot, f"unknown field `{name}`", near(name, EXTRAS))
        elif found := parser.field(spot):
            fields.append((name, found))
    if len(parser.notes.found) > before:
        return None
    return Template(node.text, names, tuple(fields))


def render(
    template: Template, values: Mapping[str, Any], *, html: bool, whole: bool = False
) -> str:
    """Fill a template; `values` by the names of `template.names`, as the mirror holds them.

    `html`: values are escaped and line breaks become <br>. `whole`: an empty field must not be
    printed (a customer reads "Dear ,"). Raises CannotRender.
    """
    kinds = dict(template.fields)
    filled = {
        variable(place): _plain(kinds.get(name), values.get(name))
        for place, name in enumerate(template.names)
    }
    try:
        text = program(template.source, html, whole).render(filled).strip()
    except Refused as refused:
        raise CannotRender(refused.what) from None
    except Blank:
        empty = [
            name for place, name in enumerate(template.names) if filled[variable(place)] in ("", ())
        ]
        what = f"its template prints an empty field ({', '.join(empty)})"
        raise CannotRender(f"{what}: use default('…') or {{% if %}}") from None
    except Exception as error:
        # Whatever goes wrong with a value (an empty one is compared, say), nothing is sent.
        raise CannotRender(f"its template cannot be filled: {type(error).__name__}") from None
    if not text:
        raise CannotRender("its template comes to an empty text")
    if len(text) > LONGEST_TEXT:
        raise CannotRender(f"its text is longer than {LONGEST_TEXT} characters")
    return text.replace("\n", "<br>\n") if html else text


def _spot(node: Node, token: str) -> Node:
    return Node(token, token, node.line, node.column)


# -- values ------------------------------------------------------------------------------------


def _plain(field: RuleField | None, value: Any) -> Any:
    """A value as templates see it: text on one line, a number, true or false, a list of texts."""
    if isinstance(value, list | tuple):
        return tuple(_text(str(item)) for item in value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | int | float):
        return value
    if value is None or value == "":
        return ""
    text = str(value)
    if field is not None and field.kind in ("number", "bool"):
        return _read(field.kind, text)
    return _text(strip_html(text) if _holds_html(field) else text)


def _holds_html(field: RuleField | None) -> bool:
    return field is not None and field.name in ("description", "text")


def _read(kind: str, text: str) -> Any:
    """A custom field that is declared a number or a flag; empty where it is none."""
    if kind == "bool":
        return text.lower() == "true"
    try:
        number = float(text)
    except ValueError:
        return ""
    return int(number) if number.is_integer() else number


def _text(text: str) -> str:
    return _MENTION.sub("zsu ", printable(text[: 4 * _LONGEST_VALUE], _LONGEST_VALUE))


def customers_words(fields: Iterable[tuple[str, RuleField]]) -> list[str]:
    """The names whose values are somebody's text, and not the portal's own words or numbers."""
    return [
        name
        for name, field in fields
        if field.kind in ("text", "any") and field.name not in _PORTALS_OWN
    ]


_PORTALS_OWN = frozenset(
    {
        *("status", "status_type", "priority", "channel", "category", "sub_category"),
        *("classification", "department", "team", "assignee", "language", "last_direction"),
        *("contact.type", "contact.owner", "account.sla_tier", "closed_by"),
    }
)
