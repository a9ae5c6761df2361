"""Side effects of writes: what else changes when a ticket is changed.

Owns the consequences (status class, closed time, history rows, mails, tags, moves).
Promises that every path, API or remote edit, has the same consequences. Must not check
permissions or shapes: the callers did.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .records import Actor, Comment, Event, Mail, Thread, Ticket
from .state import STATUSES, State

# attribute -> name in History rows
LABELS = {
    "status": "Status",
    "priority": "Priority",
    "assignee_id": "Case Owner",
    "team_id": "Team",
    "department_id": "Department",
    "subject": "Subject",
    "description": "Description",
    "category": "Category",
    "sub_category": "Sub Category",
    "classification": "Classification",
    "channel": "Channel",
    "language": "Language",
    "due": "Due Date",
    "resolution": "Resolution",
    "contact_id": "Contact Name",
    "account_id": "Account Name",
    "product_id": "Product Name",
    "email": "Email",
    "phone": "Phone",
    "spam": "Spam",
}


def blank(
    state: State, department_id: str, contact_id: str, author_id: str | None, at: int
) -> Ticket:
    """Make a ticket that is not in the portal yet."""
    contact = state.contacts.get(contact_id)
    return Ticket(
        state.new_id(),
        state.new_number(),
        "",
        None,
        "Open",
        "Open",
        None,
        "Email",
        "en",
        department_id,
        contact_id,
        contact.account_id if contact else None,
        None,
        None,
        contact.email if contact else None,
        at,
        at,
        created_by=author_id,
        customer_response=at,
    )


def add(state: State, ticket: Ticket, values: dict[str, Any], at: int) -> None:
    """Put a new ticket with its values into the portal."""
    for name, value in values.items():
        setattr(ticket, name, value)
    ticket.status_type = STATUSES[ticket.status]
    ticket.closed = at if ticket.status_type == "Closed" else None
    state.add(ticket, at)


def update(
    state: State,
    ticket: Ticket,
    changes: dict[str, Any],
    actor: Actor,
    at: int,
    *,
    notify: bool = True,
    bump: bool = True,
) -> None:
    """Set attributes (cf merges), with status class, times, history and closure mail."""
    at = state.stamp(at)
    changes = dict(changes)
    was_closed = ticket.status_type == "Closed"
    info = _difference(state, ticket, changes)
    past = state.children.history(ticket)  # what was before is invented from the ticket as it is
    with state.change(ticket, at, bump=bump):
        if "cf" in changes:
            ticket.cf = {**(ticket.cf or {}), **changes.pop("cf")}
        for name, value in changes.items():
            setattr(ticket, name, value)
        _settle_status(state, ticket, at, was_closed)
        _settle_account(state, ticket, changes)
        ticket.modified_by = actor.id
    past.append(Event("TicketUpdated", at, actor, info))
    if notify and ticket.status_type == "Closed" and not was_closed and not ticket.spam:
        state.mails.append(Mail(at, ticket.id, ticket.email, "closed"))


def _difference(
    state: State, ticket: Ticket, changes: dict[str, Any]
) -> list[tuple[str, str, Any, Any]]:
    info: list[tuple[str, str, Any, Any]] = []
    for name, value in changes.items():
        if name == "cf":
            old = ticket.cf or {}
            info += [
                (key, "ValueTransition", old.get(key), new)
                for key, new in value.items()
                if old.get(key) != new
            ]
        elif getattr(ticket, name) != value:
            before, after = (shown(state, name, v) for v in (getattr(ticket, name), value))
            info.append((LABELS.get(name, name), "ValueTransition", before, after))
    return info


def shown(state: State, name: str, value: Any) -> Any:
    """Write a value as History shows it: names with ids for people and places."""
    if not isinstance(value, str):
        return value
    stores: dict[str, Any] = {
        "assignee_id": ("Agent", state.agents),
        "team_id": ("Team", state.teams),
        "department_id": ("Department", state.departments),
        "contact_id": ("Contact", state.contacts),
        "account_id": ("Account", state.accounts),
    }
    kind, store = stores.get(name, ("", {}))
    found = store.get(value)
    return {"id": value, "name": found.name, "type": kind} if found else value


def _settle_status(state: State, ticket: Ticket, at: int, was_closed: bool) -> None:
    ticket.status_type = STATUSES[ticket.status]
    if ticket.status_type == "Closed" and not was_closed:
        ticket.closed = at
    elif ticket.status_type != "Closed":
        ticket.closed = None
    if ticket.status_type == "On Hold":
        ticket.onhold = ticket.onhold or at
    else:
        ticket.onhold = None


def _settle_account(state: State, ticket: Ticket, changes: dict[str, Any]) -> None:
    if "contact_id" in changes and "account_id" not in changes:
        contact = state.contacts.get(ticket.contact_id)
        ticket.account_id = contact.account_id if contact else None
        ticket.email = contact.email if contact else None


def move(state: State, ticket: Ticket, department_id: str, actor: Actor, at: int) -> None:
    """Move to a department; assignee and team stay where they belong to it, or by the variant."""
    frees, bump = state.variant.move_frees, state.variant.move_bumps_modified
    changes: dict[str, Any] = {"department_id": department_id}
    agent = state.agents.get(ticket.assignee_id or "")
    if agent and (frees == "all" or department_id not in agent.departments):
        changes["assignee_id"] = None
    team = state.teams.get(ticket.team_id or "")
    if team and (frees == "all" or team.department_id != department_id):
        changes["team_id"] = None
    if frees == "none":
        changes = {"department_id": department_id}
    update(state, ticket, changes, actor, at, notify=False, bump=bump)


def mark_spam(
    state: State, ticket: Ticket, spam: bool, actor: Actor, at: int, *, contact_too: bool = False
) -> None:
    """Mark or unmark; with contact_too the contact as well (DT 3, "reach beyond")."""
    bump = state.variant.spam_bumps_modified
    update(state, ticket, {"spam": spam}, actor, at, notify=False, bump=bump)
    contact = state.contacts.get(ticket.contact_id)
    if contact_too and contact is not None:
        with state.change(contact, at):
            contact.spam = spam


def tag(
    state: State,
    ticket: Ticket,
    actor: Actor,
    at: int,
    *,
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
) -> list[str]:
    """Add and remove tags by name; return the names that were new."""
    at = state.stamp(at)
    have = {name.lower(): name for name in ticket.tags}
    added = [state.tag(n, at).name for n in dict.fromkeys(add) if n.lower() not in have]
    gone = {name.lower() for name in remove} & have.keys()
    with state.change(ticket, at, bump=state.variant.tags_bump_modified and bool(added or gone)):
        kept = tuple(name for low, name in have.items() if low not in gone)
        ticket.tags = kept + tuple(added)
    events = state.children.history(ticket)
    if added:
        events.append(Event("TagsAdded", at, actor, [("Tags", "TextList", None, added)]))
    if gone:
        names = [have[low] for low in sorted(gone)]
        events.append(Event("TagsRemoved", at, actor, [("Tags", "TextList", names, None)]))
    return added


def comment(state: State, ticket: Ticket, note: Comment, actor: Actor, at: int) -> None:
    """Add a comment; the modified time moves only under the variant (DT 4, last line)."""
    notes = state.children.comments(ticket)
    with state.change(ticket, at, bump=state.variant.comment_bumps_modified):
        notes.append(note)
        ticket.comments = len(notes)
    state.children.history(ticket).append(Event("CommentAdded", state.stamp(at), actor))


def uncomment(state: State, ticket: Ticket, comment_id: str, actor: Actor, at: int) -> None:
    """Delete a comment; the modified time moves as for a new one."""
    notes = state.children.comments(ticket)
    with state.change(ticket, at, bump=state.variant.comment_bumps_modified):
        notes[:] = [note for note in notes if note.id != comment_id]
        ticket.comments = len(notes)
    state.children.history(ticket).append(Event("CommentDeleted", state.stamp(at), actor))


def reply(state: State, ticket: Ticket, thread: Thread, actor: Actor, at: int) -> None:
    """Add a thread; an inward one is the customer's answer."""
    threads = state.children.threads(ticket)
    with state.change(ticket, at, bump=state.variant.reply_bumps_modified):
        threads.append(thread)
        ticket.threads = len(threads)
        ticket.last_direction = thread.direction
        if thread.direction == "in":
            ticket.customer_response = state.stamp(at)
    state.children.history(ticket).append(Event("ThreadAdded", state.stamp(at), actor))
    if thread.reaches_customer:
        state.mails.append(Mail(state.stamp(at), ticket.id, thread.to, "reply"))


def trash(state: State, ticket: Ticket, actor: Actor, at: int) -> None:
    """Put into the recycle bin."""
    at = state.stamp(at)
    with state.change(ticket, at):
        ticket.trashed = at
        ticket.trashed_by = actor.id
    state.children.history(ticket).append(Event("TicketDeleted", at, actor))


def restore(state: State, ticket: Ticket, actor: Actor, at: int) -> None:
    """Take out of the recycle bin."""
    with state.change(ticket, at):
        ticket.trashed = None
        ticket.trashed_by = None
    state.children.history(ticket).append(Event("TicketRestored", state.stamp(at), actor))


def merge(state: State, master: Ticket, others: Iterable[Ticket], actor: Actor, at: int) -> None:
    """Merge others into master: their threads go over, they vanish (variant merged_loser)."""
    for loser in list(others):
        with state.change(master, at):
            state.children.threads(master).extend(state.children.threads(loser))
            master.threads = len(state.children.threads(master))
            master.modified_by = actor.id
        state.merged[loser.id] = master.id
        if state.variant.merged_loser == "trashed":
            trash(state, loser, actor, at)
        else:
            state.purge(loser, at)
            state.children.drop(loser.id)
    state.children.history(master).append(Event("TicketMergedMaster", state.stamp(at), actor))
