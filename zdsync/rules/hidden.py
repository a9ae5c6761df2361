"""Conditions that would hold because privacy settings hide a value, not because it is empty.

Pure. A null of a hidden field says nothing (crm.md 15 HIPAA), so what holds of emptiness is
refused; what asks for a value simply never holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from zdsync.model import Portal
from zdsync.rules.condition import Compare, Condition, Expression, Group
from zdsync.rules.fields import RuleField

# Names of the language that come from these CRM fields; custom fields name theirs.
_BEHIND: Mapping[str, tuple[str, ...]] = {
    "contact.in_crm": ("Contacts.Email", "Leads.Email"),
    "contact.owner": ("Contacts.Owner", "Leads.Owner"),
}
_MODULES = {"crm.contact.cf.": "Contacts", "crm.account.cf.": "Accounts"}


Found = tuple[Compare | Expression, str]


def silent_truths(condition: Condition, portal: Portal | None) -> Iterator[Found]:
    """Yield the comparisons that hold of a hidden value, each with the CRM field behind it."""
    if portal and portal.hidden:
        yield from _walk(condition, portal, of_truth=True)


def _walk(condition: Condition, portal: Portal, *, of_truth: bool) -> Iterator[Found]:
    match condition:
        case Compare():
            for field in (condition.field, condition.other):
                name = _hidden_behind(field, portal) if field else ""
                if name and _holds_of_empty(condition) is of_truth:
                    yield condition, name
        case Expression():
            for field in condition.fields:  # SQL can make a truth of null in many ways
                if name := _hidden_behind(field, portal):
                    yield condition, name
        case Group(kind=kind, parts=parts):
            for part in parts:
                yield from _walk(part, portal, of_truth=of_truth is not (kind == "none"))
        case _:
            for signal in condition.signals:
                yield from _walk(signal.when, portal, of_truth=of_truth is (signal.points >= 0))


def _hidden_behind(field: RuleField, portal: Portal) -> str:
    """The hidden CRM field that a name of the language stands on; "" where none is hidden."""
    names = _BEHIND.get(field.name, ())
    if field.name == "account.sla_tier":
        names = (f"Accounts.{portal.sla_tier_field}",)
    for prefix, module in _MODULES.items():
        if field.name.startswith(prefix):
            names = (f"{module}.{field.path}",)
    return next((name for name in names if name in portal.hidden), "")


def _holds_of_empty(compare: Compare) -> bool:
    """Whether a comparison holds where its field is empty; `contact.in_crm` is false then."""
    empty = False if compare.field.name == "contact.in_crm" else None
    match compare.operator:
        case "known":
            plain = empty is not None
        case "is" | "in":
            plain = compare.other is None and any(one is empty for one in compare.values)
        case _:
            plain = False
    return plain is not compare.negated
