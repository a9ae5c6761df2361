"""What a rule needs of the mirror's columns: it may not act where one of them is never stored.

Pure. The columns are those that the view `zdsync.rule_tickets` is made of (ZDSYNC_EXCLUDE names
them so); a name that is not listed here is a column of desk.tickets.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from zdsync.rules.compiled import Close, CompiledRule, SetField
from zdsync.rules.fields import RuleField

_SAID = tuple(
    f"desk.threads.{column}"
    for column in ("direction", "created_time", "status", "visibility", "is_forward")
)
_REPLIED = (
    *_SAID,
    *("desk.threads.is_description_thread", "desk.comments.commenter"),
    "desk.comments.commented_time",
)
_MADE_OF: Mapping[str, tuple[str, ...]] = {
    "last_direction": _SAID,
    "support_address": (*_SAID, "desk.threads.to"),
    "replies.outbound_since_customer": _REPLIED,
    "replies.last_outbound": _REPLIED,
    "replies.last_inbound": _REPLIED,
    "replies.first_response": _REPLIED,
    "attempts": (*_REPLIED, "desk.threads.channel", "desk.comments.content"),
    "touched": ("desk.tickets.modified_time", "desk.tickets.customer_response_time"),
    "closed_by": ("desk.tickets.status", "desk.agents.email_id"),
    "contact.open_tickets": ("desk.tickets.contact_id", "desk.tickets.status"),
    "text": ("desk.tickets.subject", "desk.tickets.description"),
    "department": ("desk.tickets.department_id", "desk.departments.name"),
    "assignee": ("desk.tickets.assignee_id", "desk.agents.email_id"),
    "team": ("desk.tickets.team_id", "desk.teams.name"),
    "due": ("desk.tickets.due_date",),
    "is_overdue": ("desk.tickets.due_date",),
    "customer_replied": ("desk.tickets.customer_response_time",),
    "requester.is_agent": ("desk.contacts.email", "desk.tickets.email", "desk.agents.email_id"),
    "contact.email": ("desk.contacts.email",),
    "contact.name": ("desk.contacts.first_name", "desk.contacts.last_name"),
    "contact.type": ("desk.contacts.type",),
    "contact.in_crm": ("desk.contacts.email", "crm.contacts.email", "crm.leads.email"),
    "contact.owner": ("crm.contacts.owner_id", "crm.leads.owner_id", "crm.users.email"),
    "account.name": ("desk.accounts.account_name",),
    "account.sla_tier": ("crm.accounts.cf",),
}
_CF = {
    "cf": "desk.tickets.cf",
    "contact_cf": "desk.contacts.cf",
    "account_cf": "desk.accounts.cf",
    "crm_contact_cf": "crm.contacts.cf",
    "crm_account_cf": "crm.accounts.cf",
}


def lacking(
    rule: CompiledRule, excluded: Collection[str], *, outcome_field: str, tier_field: str
) -> list[str]:
    """The excluded columns that a rule reads or sets, in order."""
    if not excluded:
        return []
    needed = {*_needed(rule, outcome_field)}
    if "crm.accounts.cf" in needed:
        needed.add(f"crm.accounts.cf.{tier_field}")
    # A whole `cf` that is excluded takes every key of it along.
    return sorted(
        name for name in excluded if name in needed or any(n.startswith(name + ".") for n in needed)
    )


def _needed(rule: CompiledRule, outcome_field: str) -> Iterator[str]:
    for field in rule.reads:
        yield from _columns(field)
    for action in rule.actions:
        if isinstance(action, SetField):
            name = action.field
            yield f"desk.tickets.{'due_date' if name == 'due' else name}"
        elif isinstance(action, Close) and action.outcome is not None:
            yield f"desk.tickets.cf.{outcome_field}"


def _columns(field: RuleField) -> tuple[str, ...]:
    if field.path is not None:
        return (f"{_CF[field.column]}.{field.path}",)
    return _MADE_OF.get(field.name, (f"desk.tickets.{field.column}",))
