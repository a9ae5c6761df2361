"""All operations of Desk in one table."""

from __future__ import annotations

from ..call import Route
from . import (
    accounts,
    agents,
    bulk,
    comments,
    contacts,
    counts,
    departments,
    edits,
    field_lists,
    followers,
    history,
    organizations,
    recycle_bin,
    reply,
    search,
    tags,
    threads,
    tickets,
)

# templates with ids come last: tickets/search must not be read as tickets/{ticketId}
ROUTES: list[Route] = sorted(
    (
        *accounts.ROUTES,
        *agents.ROUTES,
        *bulk.ROUTES,
        *comments.ROUTES,
        *contacts.ROUTES,
        *counts.ROUTES,
        *departments.ROUTES,
        *edits.ROUTES,
        *field_lists.ROUTES,
        *followers.ROUTES,
        *history.ROUTES,
        *organizations.ROUTES,
        *recycle_bin.ROUTES,
        *reply.ROUTES,
        *search.ROUTES,
        *tags.ROUTES,
        *threads.ROUTES,
        *tickets.ROUTES,
    ),
    key=lambda r: r.template.count("{"),
)
