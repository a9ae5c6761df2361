"""Shapes of accounts (DP 3): which key stands in list, search and detail.

Must not decide who may see a record.
"""

from __future__ import annotations

from ..records import Account, Json
from .pieces import HAPPY, LAYOUT_ID, Pieces, presence, web_url

ACCOUNT_CF = {"cf_region": "Region"}


def account_list(s: Pieces, a: Account) -> Json:
    """Write a row of GET /accounts: no modifiedTime, no ownerId, no cf."""
    return {
        "id": s.id(a.id),
        "accountName": a.name,
        "website": a.website,
        "email": a.email,
        "phone": a.phone,
        "createdTime": s.time(a.created),
        "webUrl": web_url("Accounts", a.id),
        "zohoCRMAccount": {"id": a.crm_id} if a.crm_id else None,
        "customerHappiness": HAPPY,
        **s.more(a.id),
    }


def _account_body(s: Pieces, a: Account) -> Json:
    return {
        "country": None,
        "code": None,
        "city": None,
        "street": None,
        "annualrevenue": None,
        "description": None,
        "industry": a.industry,
        "state": None,
        "ownerId": s.id(a.owner_id),
        "fax": None,
        "modifiedTime": s.time(a.modified),
        "layoutId": s.id(LAYOUT_ID),
        **s.custom_fields(a.cf, ACCOUNT_CF),
    }


def account_search(s: Pieces, a: Account) -> Json:
    """Write a row of account search: full, but the CRM link is not declared (DP 3)."""
    row = account_list(s, a) | _account_body(s, a)
    del row["customerHappiness"]
    row["owner"] = s.agent_ref(a.owner_id)
    how = s.variant.account_search_has_crm_link
    if how == "absent":
        del row["zohoCRMAccount"]
    elif how == "empty" and row["zohoCRMAccount"]:
        row["zohoCRMAccount"] = {}
    return row


def account_detail(s: Pieces, a: Account, include: str) -> Json:
    """Write GET /accounts/{id}."""
    row = account_list(s, a) | _account_body(s, a)
    del row["customerHappiness"]
    row |= presence(a) | {"associatedSLAIds": [], "layoutDetails": s.layout()}
    if include == "owner":
        row["owner"] = s.person_ref(a.owner_id)
    return row
