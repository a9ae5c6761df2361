"""What people do to a portal behind zdsync's back, as functions of a number and of draws.

Every attribute that a record has may be edited; what a value may be follows from its name, or
else from its type: text that nobody would expect.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st

from zdsync.sandbox import Sandbox
from zdsync.sandbox.records import Account, Contact, Ticket
from zdsync.sandbox.state import OUTCOMES, PRIORITIES, STATUSES
from zdsync.sandbox.words import HOSTILE, TAGS

Draw = Any  # draws from a strategy
Deed = Callable[[Sandbox, int, Draw], None]

texts = st.one_of(
    st.text(max_size=12),
    st.sampled_from([text for pair in HOSTILE for text in pair if text is not None]),
    st.sampled_from(["", " ", "\x00", "\u2028", "null", "\U0001f469\u200d\u2695", '"', "\\", "0"]),
)
maybe = st.one_of(st.none(), texts)
# Not for people: identity, times that Zoho keeps, flags that have deeds of their own.
_KEPT = frozenset(
    {"id", "number", "created", "modified", "status_type", "closed", "onhold", "trashed"}
    | {"trashed_by", "spam", "archived", "tags", "created_by", "modified_by", "threads"}
    | {"comments", "last_direction", "contact_id", "department_id"}
)
_INSTANTS = frozenset({"due", "response_due", "customer_response"})


def _pick(store: Mapping[str, Any], number: int) -> Any:
    """Any record; None where there is none."""
    some = list(store.values())
    return some[number % len(some)] if some else None


def _ticket(box: Sandbox, number: int, **flags: bool) -> Ticket | None:
    found = {
        one.id: one
        for one in box.state.tickets.values()
        if all(bool(getattr(one, name)) is wanted for name, wanted in flags.items())
    }
    one: Ticket | None = _pick(found, number)
    return one


def _live(box: Sandbox, number: int) -> Ticket | None:
    return _ticket(box, number, trashed=False)


def _value(box: Sandbox, name: str, kind: str, draw: Draw) -> Any:
    """A value that an attribute may take."""
    state = box.state
    ids = {
        "assignee_id": state.agents,
        "owner_id": state.agents,
        "team_id": state.teams,
        "product_id": state.accounts,
        "account_id": state.accounts,
    }
    if name in ids:
        return draw(st.one_of(st.none(), st.sampled_from(sorted(ids[name]))))
    if name in _INSTANTS:
        return draw(
            st.one_of(
                st.none(),
                st.integers(-9, 9).map(lambda d: box.state.stamp(box.at()) + d * 3_600_000),
            )
        )
    match name:
        case "status":
            return draw(st.sampled_from(sorted(STATUSES)))
        case "priority":
            return draw(st.sampled_from((None, *PRIORITIES)))
        case "cf":
            return draw(_custom)
        case "crm_id":
            return draw(st.one_of(st.none(), st.sampled_from(sorted(state.crm_contacts))))
        case "crm_type":
            return draw(st.sampled_from((None, "contacts", "leads")))
    if "bool" in kind:
        return draw(st.booleans())
    return draw(maybe if "None" in kind else texts)


_custom = st.fixed_dictionaries(
    {},
    optional={
        "cf_outcome": st.sampled_from((None, *OUTCOMES)),
        "cf_cid": maybe,
        "cf_follow_up": st.sampled_from((None, "2026-03-02")),
        "cf_vip": st.sampled_from((None, True, False)),
        "cf_region": st.sampled_from((None, "EMEA")),
    },
)


def _changes(box: Sandbox, kind: type, draw: Draw) -> dict[str, Any]:
    writable = {item.name: str(item.type) for item in fields(kind) if item.name not in _KEPT}
    names = draw(st.sets(st.sampled_from(sorted(writable)), min_size=1, max_size=5))
    return {name: _value(box, name, writable[name], draw) for name in sorted(names)}


# -- tickets --------------------------------------------------------------------------------------


def edit(box: Sandbox, number: int, draw: Draw) -> None:
    """Edit any writable columns of a ticket, of a hidden one too."""
    if one := _live(box, number):
        changes = _changes(box, Ticket, draw)
        if isinstance(changes.get("cf", {}), dict):
            changes["cf"] = {k: v for k, v in changes.get("cf", {}).items() if k != "cf_vip"}
        box.edit(one.id, **changes)


def create(box: Sandbox, number: int, draw: Draw) -> None:
    """A customer writes."""
    contacts = [one.id for one in box.state.contacts.values() if one.trashed is None]
    box.create(subject=draw(texts), contact_id=contacts[number % len(contacts)])


def trash(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _live(box, number):
        box.trash(one.id)


def restore(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _ticket(box, number, trashed=True):
        box.restore(one.id)


def purge(box: Sandbox, number: int, draw: Draw) -> None:
    """Gone for good, from the bin or, as spam is, past it."""
    if one := _ticket(box, number, **({"trashed": True} if number % 2 else {"spam": True})):
        box.purge(one.id)


def merge(box: Sandbox, number: int, draw: Draw) -> None:
    one, other = _live(box, number), _live(box, number + 7)
    if one and other and one.id != other.id:
        box.merge(one.id, [other.id])


def spam(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _live(box, number):
        box.mark_spam(one.id, not one.spam)


def archive(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _ticket(box, number, trashed=False, archived=False):
        box.archive(one.id)


def tag(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _live(box, number):
        names = draw(st.sets(st.sampled_from(TAGS), max_size=3))
        box.tag(one.id, add=sorted(names), remove=list(one.tags)[:1])


def reply(box: Sandbox, number: int, draw: Draw) -> None:
    if (one := _live(box, number)) and one.contact_id in box.state.contacts:
        box.reply(one.id, draw(texts), by="customer" if number % 2 else "agent")


def comment(box: Sandbox, number: int, draw: Draw) -> None:
    if one := _live(box, number):
        box.comment(one.id, draw(texts))


def new_keys(box: Sandbox, number: int, draw: Draw) -> None:
    """Zoho's answers carry a key that nobody knows."""
    stores = (box.state.tickets, box.state.contacts, box.state.accounts)
    one = _pick(stores[number % 3], number)
    if one and one.trashed is None:
        box.add_keys(one.id, **{draw(st.sampled_from(("newKey", "other Key"))): draw(maybe)})


def mass_update(box: Sandbox, first: int, share: int, number: int) -> None:
    """An automation edits many tickets within one second."""
    ids = [one.id for one in box.state.tickets.values() if one.trashed is None]
    start = first % max(1, len(ids))
    some = (ids[start:] + ids[:start])[: max(1, len(ids) * share // 100)]
    box.mass_update(some, category=f"moved {number}", priority=PRIORITIES[number % 3])


def mass_trash(box: Sandbox, many: int, number: int) -> None:
    """Somebody tidies up: many tickets go to the bin, or come back from it."""
    for n in range(many):
        (restore if number % 3 == 0 else trash)(box, number + 11 * n, None)


def mass_import(box: Sandbox, many: int, number: int) -> None:
    """Hundreds of tickets are made within one second."""
    with box.lock:
        contacts, departments = list(box.state.contacts), list(box.state.departments)
        at = box.state.stamp(box.at())
        for n in range(many):
            made = box.create(
                subject=f"import {number} {n}",
                contact_id=contacts[n % len(contacts)],
                department_id=departments[n % len(departments)],
            )
            with box.state.change(made, at):
                made.created = at


# -- people ---------------------------------------------------------------------------------------


def contact(box: Sandbox, number: int, draw: Draw) -> None:
    """Edit, make, trash, restore, merge or purge a contact."""
    one = _pick(box.state.contacts, number)
    what = draw(st.sampled_from(("edit", "edit", "make", "bin", "merge")), label="what")
    if what == "make":
        box.create_contact(draw(texts), email=draw(maybe))
    elif what == "bin":
        box.edit_contact(one.id, trashed=one.trashed is None)
    elif what == "edit" and one.trashed is None:
        box.edit_contact(one.id, **_changes(box, Contact, draw))
    elif what == "merge" and (other := _pick(box.state.contacts, number + 5)) and other is not one:
        for ticket in [t for t in box.state.tickets.values() if t.contact_id == other.id]:
            box.edit(ticket.id, contact_id=one.id)
        box.purge(other.id)


def account(box: Sandbox, number: int, draw: Draw) -> None:
    """Edit, make, trash, restore or purge an account."""
    one = _pick(box.state.accounts, number)
    what = draw(st.sampled_from(("edit", "edit", "make", "bin", "purge")), label="what")
    if what == "make":
        box.create_account(draw(texts), website=draw(maybe))
    elif what == "bin":
        box.edit_account(one.id, trashed=one.trashed is None)
    elif what == "edit" and one.trashed is None:
        box.edit_account(one.id, **_changes(box, Account, draw))
    elif what == "purge" and len(box.state.accounts) > 5:
        box.purge(one.id)


def staff(box: Sandbox, number: int, draw: Draw) -> None:
    """An agent, department, team or CRM user changes or goes."""
    state = box.state
    name = draw(st.sampled_from(("agents", "departments", "teams", "crm_users")), label="who")
    one = _pick(getattr(state, name), number)
    with box.lock:
        if name in ("teams", "departments"):
            one.name = draw(texts)
        else:
            one.last = draw(texts)
            one.email = draw(texts)
            if name == "crm_users":
                one.modified = state.stamp(box.at())
        if name == "teams" and number % 7 == 0 and len(state.teams) > 3:
            del state.teams[one.id]
        state.rows.clear()
        state.version += 1


# -- the CRM --------------------------------------------------------------------------------------

_MODULES = ("Contacts", "Accounts", "Leads")


def crm(box: Sandbox, number: int, draw: Draw) -> None:
    """Edit, make, delete or restore a CRM record."""
    module = _MODULES[number % 3]
    store = box.state.crm_records(module)
    one = _pick(store, number)
    what = draw(st.sampled_from(("edit", "edit", "make", "delete")), label="what")
    name = "Account_Name" if module == "Accounts" else "Last_Name"
    values: dict[str, Any] = {
        name: draw(texts),
        "Phone": draw(maybe),
        "Description": draw(maybe),
        "Owner": draw(st.sampled_from(sorted(box.state.crm_users))),
    }
    if module == "Accounts":
        values |= {"SLA_Tier": draw(st.sampled_from((None, "Gold", "Bronze")))}
    elif module == "Contacts":
        values |= {"Account_Name": draw(st.sampled_from((None, *box.state.crm_accounts)))}
    if what == "make" or one is None:
        box.crm_create(module, **values)
    elif one.deleted is not None:
        if one.deleted_kind == "recycle":
            box.crm_restore(module, one.id)
    elif what == "edit":
        box.crm_edit(module, one.id, **values)
    else:
        box.crm_delete(module, one.id, permanent=number % 2 == 0)


DEEDS: Mapping[str, Deed] = {
    "edit": edit,
    "edit again": edit,
    "create": create,
    "trash": trash,
    "restore": restore,
    "purge": purge,
    "merge": merge,
    "spam": spam,
    "archive": archive,
    "tag": tag,
    "reply": reply,
    "comment": comment,
    "new keys": new_keys,
    "contact": contact,
    "account": account,
    "staff": staff,
    "crm": crm,
}
