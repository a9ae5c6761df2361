"""The terms of a search: each query parameter becomes one test of a record.

Owns which parameters filter tickets, contacts and accounts, and how (DT 2, DP 4).
"""

from __future__ import annotations

from ..call import Call
from ..records import Account, Contact, Ticket
from .filters import Test, contains, custom, inside, one_of, second_range, status, tag


def ticket_tests(c: Call) -> list[Test]:
    """Build the tests of a search of tickets."""
    state = c.state

    def contact(t: Ticket) -> str:
        found = state.contacts.get(t.contact_id)
        return found.name if found else ""

    def account(t: Ticket) -> str:
        found = state.accounts.get(t.account_id or "")
        return found.name if found else ""

    return [
        *one_of(c, "id", "id"),
        *one_of(c, "ticketNumber", "number"),
        *status(c),
        *tag(c),
        *one_of(c, "departmentId", "department_id"),
        *one_of(c, "priority", "priority"),
        *one_of(c, "assigneeId", "assignee_id"),
        *one_of(c, "contactId", "contact_id"),
        *one_of(c, "accountId", "account_id"),
        *one_of(c, "productId", "product_id"),
        *one_of(c, "email", "email"),
        *one_of(c, "phone", "phone"),
        *one_of(c, "category", "category"),
        *one_of(c, "channel", "channel"),
        *contains(c, "subject", lambda t: t.subject),
        *contains(c, "description", lambda t: t.description),
        *contains(c, "contactName", contact),
        *contains(c, "accountName", account),
        *contains(c, "productName", lambda t: None),
        *contains(c, "_all", lambda t: f"{t.subject} {t.description}"),
        *inside(c, "dueDateRange", lambda t: t.due),
        *inside(c, "customerResponseTimeRange", lambda t: t.customer_response),
        *second_range(c),
        *custom(c),
    ]


def contact_tests(c: Call) -> list[Test]:
    """Build the tests of a search of contacts."""

    def account(r: Contact) -> str:
        found = c.state.accounts.get(r.account_id or "")
        return found.name if found else ""

    return [
        *one_of(c, "id", "id"),
        *one_of(c, "email", "email"),
        *one_of(c, "phone", "phone"),
        *one_of(c, "mobile", "mobile"),
        *contains(c, "accountName", account),
        *contains(c, "lastName", lambda r: r.last),
        *contains(c, "firstName", lambda r: r.first),
        *contains(c, "fullName", lambda r: r.name),
        *contains(c, "_all", lambda r: f"{r.name} {r.email}"),
        *second_range(c),
        *custom(c),
    ]


def account_tests(c: Call) -> list[Test]:
    """Build the tests of a search of accounts."""

    def everything(a: Account) -> str:
        return f"{a.name} {a.website} {a.email}"

    return [
        *one_of(c, "id", "id"),
        *contains(c, "accountName", lambda a: a.name),
        *contains(c, "_all", everything),
        *second_range(c),
        *custom(c),
    ]
