"""Shapes of contacts (DP 3): which key stands in list, search and detail.

Must not decide who may see a record.
"""

from __future__ import annotations

from ..records import Contact, Json
from .pieces import HAPPY, LAYOUT_ID, Pieces, presence, web_url

CONTACT_CF = {"cf_vip": "VIP"}


def _crm_link(c: Contact) -> Json | None:
    """Write zohoCRMContact, null when unsynced (DP 3, CRM link)."""
    return {"id": c.crm_id, "type": c.crm_type} if c.crm_id else None


def _contact_core(s: Pieces, c: Contact) -> Json:
    return {
        "id": s.id(c.id),
        "firstName": c.first,
        "lastName": c.last,
        "email": c.email,
        "secondaryEmail": None,
        "phone": c.phone,
        "mobile": c.mobile,
        "type": c.type,
        "accountId": s.id(c.account_id),
        "ownerId": s.id(c.owner_id),
        "photoURL": None,
        "webUrl": web_url("Contacts", c.id),
        "createdTime": s.time(c.created),
        "isEndUser": True,
        "customerHappiness": HAPPY,
        **s.more(c.id),
    }


def contact_list(s: Pieces, c: Contact, accounts: bool) -> Json:
    """Write a row of GET /contacts: no modifiedTime, no cf."""
    row = _contact_core(s, c)
    row.update(
        isAnonymous=False,
        accountCount="1" if c.account_id else "0",
        zohoCRMContact=_crm_link(c),
        isSpam=c.spam,
    )
    if accounts:
        row["account"] = s.account_ref(c.account_id)
    return row


def _contact_body(s: Pieces, c: Contact) -> Json:
    return {
        "zip": None,
        "country": c.country,
        "twitter": None,
        "city": None,
        "street": None,
        "facebook": None,
        "description": None,
        "state": None,
        "title": None,
        "modifiedTime": s.time(c.modified),
        "layoutId": s.id(LAYOUT_ID),
        **s.custom_fields(c.cf, CONTACT_CF),
    }


def contact_search(s: Pieces, c: Contact) -> Json:
    """Write a row of contact search: full, but without isSpam."""
    row = _contact_core(s, c) | _contact_body(s, c)
    row["owner"] = s.agent_ref(c.owner_id)
    row["account"] = s.account_ref(c.account_id)
    how = s.variant.contact_search_has_crm_link
    if how != "absent":
        link = _crm_link(c)
        row["zohoCRMContact"] = {} if how == "empty" and link else link
    return row


def contact_detail(s: Pieces, c: Contact, include: list[str]) -> Json:
    """Write GET /contacts/{id}."""
    row = contact_list(s, c, "accounts" in include) | _contact_body(s, c)
    row |= presence(c) | {"layoutDetails": s.layout()}
    if "owner" in include:
        row["owner"] = s.person_ref(c.owner_id)
    return row
