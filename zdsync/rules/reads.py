"""Which rules read or set which field of the portal. Pure.

A field of the language is told apart into the stream, module and API name behind it.
"""

from __future__ import annotations

from collections.abc import Mapping

from zdsync.rules.compiled import Close, SetField
from zdsync.rules.condition import fields_of
from zdsync.rules.load import Rule, RuleFile
from zdsync.streams import snake

Where = tuple[str, str, str]  # desk.fields or crm.fields, module, API name in snake_case

_CUSTOM: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    ("crm.contact.cf.", (("crm.fields", "Contacts"), ("crm.fields", "Leads"))),
    ("crm.account.cf.", (("crm.fields", "Accounts"),)),
    ("contact.cf.", (("desk.fields", "contacts"),)),
    ("account.cf.", (("desk.fields", "accounts"),)),
    ("cf.", (("desk.fields", "tickets"),)),
)
# Names of the language that are not the API's own.
_NAMES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "text": (("tickets", "subject"), ("tickets", "description")),
    "assignee": (("tickets", "assignee_id"),),
    "team": (("tickets", "team_id"),),
    "department": (("tickets", "department_id"),),
    "due": (("tickets", "due_date"),),
    "is_overdue": (("tickets", "due_date"),),
    "touched": (("tickets", "modified_time"), ("tickets", "customer_response_time")),
    "closed_by": (("tickets", "status"),),
    "contact.open_tickets": (("tickets", "contact_id"), ("tickets", "status")),
    "customer_replied": (("tickets", "customer_response_time"),),
    "contact.email": (("contacts", "email"),),
    "contact.name": (("contacts", "first_name"), ("contacts", "last_name")),
    "contact.type": (("contacts", "type"),),
    "account.name": (("accounts", "account_name"),),
}


def readers_of(
    file: RuleFile, where: Where, *, outcome_field: str, sla_tier_field: str
) -> tuple[str, ...]:
    """Ids of the rules that read or set a field, in the order of the file."""
    return tuple(
        rule.id
        for rule in file.rules
        if rule.mode != "off"
        and any(where in _behind(name, sla_tier_field) for name in _names_of(rule, outcome_field))
    )


def _names_of(rule: Rule, outcome_field: str) -> set[str]:
    read = (*fields_of(rule.when), *rule.plain_fields, *rule.text_fields)
    names = {field.name for field in read}
    for action in rule.actions:
        if isinstance(action, SetField):
            names.add(action.field)
        if isinstance(action, Close):
            names.add("cf." + outcome_field)
    return names


def _behind(name: str, sla_tier_field: str) -> set[Where]:
    """The fields of the portal behind a name of the language."""
    for prefix, places in _CUSTOM:
        if name.startswith(prefix):
            key = folded(name.removeprefix(prefix))
            return {(stream, module, key) for stream, module in places}
    if name == "account.sla_tier":
        return {("crm.fields", "Accounts", folded(sla_tier_field))}
    known = _NAMES.get(name, (("tickets", name),))
    return {("desk.fields", module, key) for module, key in known}


def folded(api_name: str) -> str:
    """An API name as it is compared: case and spelling of words do not matter."""
    return snake(api_name)
