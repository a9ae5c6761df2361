"""The field catalog: each name that a rule may read, its kind, its column, its streams.

Columns are those of the view `zdsync.rule_tickets`. Identifiers of generated SQL come from here
only; the name of a custom field is a bound value, never an identifier.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from zdsync.model import CustomField, Portal
from zdsync.sql import Sql, ident

FieldKind = Literal["text", "number", "bool", "instant", "set", "any"]


@dataclass(frozen=True, slots=True)
class RuleField:
    """One readable field: `path` is the key inside a JSON column, else None.

    `kind` `any` is a custom field whose declared type is not known: the operator decides.
    `hangs` says what hangs on the ticket and must be read for it; `knows` is the column that tells
    whether the value is known of a ticket.
    """

    name: str
    kind: FieldKind
    column: str
    streams: frozenset[str]
    path: str | None = None
    hangs: Literal["", "tags", "conversation", "history"] = ""
    knows: str = ""

    @property
    def raw(self) -> Sql:
        """The value as the mirror holds it, an expression over `t`; text for a custom field."""
        if self.name == "text":
            return Sql("concat_ws(chr(10), nullif(t.subject, ''), nullif(t.description, ''))")
        column = f"t.{ident(self.column)}"
        if self.path is None:
            return Sql(column)
        return Sql(f"({column} ->> ?)", (self.path,))

    @property
    def fold_column(self) -> str:
        """The column of `rule_ground` that holds the folded text."""
        if self.path is None:
            return f"{self.column}_folded"
        digest = hashlib.sha256(self.path.encode()).hexdigest()[:12]
        return f"{self.column}_{digest}_folded"


def typed(field: RuleField, kind: str) -> Sql:
    """The value of a field as number, bool or instant; null where empty or unreadable."""
    if field.path is None:
        return field.raw
    match kind:
        case "number":
            # `nan` and `inf` are numbers to DuckDB; to a person they are words.
            number = "TRY_CAST(" + field.raw + " AS DOUBLE)"
            return "(CASE WHEN isfinite(" + number + ") THEN " + number + " END)"
        case "bool":
            return "TRY_CAST(" + field.raw + " AS BOOLEAN)"
        case "instant":
            # A cast to TIMESTAMP drops the offset; this way it is applied, and none means UTC.
            return "make_timestamp(epoch_us(TRY_CAST(" + field.raw + " AS TIMESTAMPTZ)))"
    return field.raw


_TICKETS = frozenset({"desk.tickets"})
_AGENTS = _TICKETS | {"desk.agents"}
_PEOPLE = _TICKETS | {"desk.contacts"}
_ACCOUNTS = _PEOPLE | {"desk.accounts"}
_CRM_PEOPLE = _PEOPLE | {"crm.contacts", "crm.leads"}
_CRM_ACCOUNTS = _ACCOUNTS | {"crm.accounts", "crm.contacts"}


def _fields(kind: FieldKind, streams: frozenset[str], names: str) -> Iterator[RuleField]:
    for name in names.split():
        yield RuleField(name, kind, name.replace(".", "_"), streams)


def _spoken(kind: FieldKind, knows: str, names: str, *more: str) -> Iterator[RuleField]:
    """Fields that a ticket's conversation tells, or at times its row (docs/conversations.md)."""
    for name in names.split():
        streams = _TICKETS | {"desk.threads", *more}
        column = name.replace(".", "_")
        yield RuleField(name, kind, column, streams, hangs="conversation", knows=knows)


FIELDS: dict[str, RuleField] = {
    field.name: field
    for field in (
        *_fields("text", _TICKETS, "subject description text status status_type priority channel"),
        *_fields("text", _TICKETS, "category sub_category classification email language"),
        *_fields("text", _TICKETS | {"desk.departments"}, "department"),
        *_fields("text", _AGENTS, "assignee"),
        *_fields("text", _TICKETS | {"desk.teams"}, "team"),
        RuleField("tags", "set", "tags", _TICKETS, hangs="tags", knows="tags_current"),
        *_spoken("text", "knows_direction", "last_direction"),
        *_spoken("text", "knows_address", "support_address"),
        *_spoken("number", "knows_since", "replies.outbound_since_customer"),
        *_spoken("instant", "knows_outbound", "replies.last_outbound replies.first_response"),
        *_spoken("instant", "knows_inbound", "replies.last_inbound"),
        *_spoken("number", "knows_attempts", "attempts", "desk.comments"),
        *_fields("instant", _TICKETS, "created modified touched closed due customer_replied"),
        RuleField("closed_by", "text", "closed_by", _AGENTS, None, "history", "knows_closed_by"),
        *_fields("instant", _TICKETS, "status_since assigned_since"),
        *_fields("number", _TICKETS, "thread_count comment_count"),
        *_fields("bool", _TICKETS, "is_escalated is_overdue"),
        *_fields("bool", _PEOPLE | {"desk.agents"}, "requester.is_agent"),
        *_fields("text", _PEOPLE, "contact.email contact.name contact.type"),
        *_fields("number", _PEOPLE, "contact.open_tickets"),
        *_fields("bool", _CRM_PEOPLE, "contact.in_crm"),
        *_fields("text", _CRM_PEOPLE | {"crm.users"}, "contact.owner"),
        *_fields("text", _ACCOUNTS, "account.name"),
        *_fields("text", _CRM_ACCOUNTS, "account.sla_tier"),
    )
}

SETTABLE = frozenset({"priority", "status", "category", "sub_category", "classification", "due"})

# prefix → JSON column, streams, the portal's declarations
_CUSTOM: dict[str, tuple[str, frozenset[str], str]] = {
    "crm.contact.cf.": ("crm_contact_cf", _CRM_PEOPLE, "crm_contact_fields"),
    "crm.account.cf.": ("crm_account_cf", _CRM_ACCOUNTS, "crm_account_fields"),
    "contact.cf.": ("contact_cf", _PEOPLE, "contact_fields"),
    "account.cf.": ("account_cf", _ACCOUNTS, "account_fields"),
    "cf.": ("cf", _TICKETS, "ticket_fields"),
}
_API_NAME = re.compile(r"\w{1,100}", re.ASCII)

# Declared types, Desk and CRM, in lower case without spaces; whatever is missing reads as text.
_KINDS: dict[str, FieldKind] = {
    **dict.fromkeys(("number", "integer", "bigint", "double", "decimal"), "number"),
    **dict.fromkeys(("currency", "percent", "percentage", "formula_number"), "number"),
    **dict.fromkeys(("boolean", "checkbox"), "bool"),
    **dict.fromkeys(("date", "datetime", "timestamp"), "instant"),
}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A name that a rule cannot read: `crm` off, `gone` from the portal, else unknown.

    `gone`: the portal had this custom field; `now` is its new name, empty where it has none.
    `absent`: a custom field that the portal does not declare.
    """

    why: Literal["unknown", "crm", "gone", "absent"]
    now: str = ""


def find_field(name: str, portal: Portal | None) -> RuleField | Unreadable:
    """Find the field of the language by its name; names of custom fields fold case."""
    name = name.strip()
    field: RuleField | Unreadable | None = FIELDS.get(name)
    field = field or _custom_field(name, portal)
    if isinstance(field, RuleField) and portal and not portal.crm:
        return Unreadable("crm") if needs_crm(field) else field
    return field


def needs_crm(field: RuleField) -> bool:
    """Whether the value of this field comes from the CRM."""
    return any(stream.startswith("crm.") for stream in field.streams)


def custom_declaration(name: str, portal: Portal | None) -> CustomField | None:
    """Find what the portal declares about a custom field; a bare API name is the ticket's."""
    prefix = next((one for one in _CUSTOM if name.startswith(one)), "")
    declared = getattr(portal, _CUSTOM[prefix or "cf."][2]) if portal else ()
    key = name.removeprefix(prefix).casefold()
    return next((field for field in declared if field.name.casefold() == key), None)


def _custom_field(name: str, portal: Portal | None) -> RuleField | Unreadable:
    for prefix, (column, streams, attribute) in _CUSTOM.items():
        if not name.startswith(prefix):
            continue
        key = name.removeprefix(prefix)
        declared: tuple[CustomField, ...] = getattr(portal, attribute) if portal else ()
        match = next((item for item in declared if item.name.casefold() == key.casefold()), None)
        if match is not None:
            kind = _KINDS.get(match.type.casefold().replace(" ", ""), "text")
            return RuleField(prefix + match.name, kind, column, streams, match.name)
        if portal and name.casefold() in portal.vanished:
            return Unreadable("gone", portal.vanished[name.casefold()])
        if not _API_NAME.fullmatch(key):
            return Unreadable("unknown")
        if declared:
            return Unreadable("absent")
        return RuleField(name, "any", column, streams, key)
    return Unreadable("unknown")


def field_names(portal: Portal | None) -> list[str]:
    """List every name that could be meant, for near names."""
    names = [*FIELDS]
    for prefix, (_, _, attribute) in _CUSTOM.items():
        names += [prefix + item.name for item in (getattr(portal, attribute) if portal else ())]
    return names
