"""Modules of the CRM and their fields (CRM 11).

Owns which API names a module has.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..call import Call


@dataclass(frozen=True, slots=True)
class Meta:
    """One field: data_type as the metadata call names it."""

    api_name: str
    data_type: str = "text"
    json_type: str = "string"
    options: tuple[str, ...] = ()
    lookup: str = ""
    custom: bool = False


_COMMON = (
    Meta("Owner", "ownerlookup", "jsonobject"),
    Meta("Created_By", "ownerlookup", "jsonobject"),
    Meta("Modified_By", "ownerlookup", "jsonobject"),
    Meta("Created_Time", "datetime"),
    Meta("Modified_Time", "datetime"),
    Meta("Description", "textarea"),
    Meta("Tag", "text", "jsonarray"),
)
_PERSON = (
    Meta("First_Name"),
    Meta("Last_Name"),
    Meta("Full_Name"),
    Meta("Email", "email"),
    Meta("Phone", "phone"),
    Meta("Lead_Source", "picklist", options=("Web", "Partner")),
    Meta("Patient_Since", "date", custom=True),
)
MODULES: dict[str, tuple[Meta, ...]] = {
    "Contacts": (
        *_COMMON,
        *_PERSON,
        Meta("Account_Name", "lookup", "jsonobject", lookup="Accounts"),
    ),
    "Leads": (*_COMMON, *_PERSON, Meta("Company")),
    "Accounts": (
        *_COMMON,
        Meta("Account_Name"),
        Meta("Website", "website"),
        Meta("Phone", "phone"),
        Meta("Industry", "picklist"),
        Meta("Annual_Revenue", "currency", "double"),
        Meta("SLA_Tier", "picklist", options=("Gold", "Silver", "Bronze"), custom=True),
        Meta("Standing", "picklist", options=("Paid", "Community", "Trial"), custom=True),
        Meta("Health_Score", "formula", "integer", custom=True),
        Meta("Deals_Won", "rollup_summary", "integer", custom=True),
    ),
}


def all_names(module: str) -> list[str]:
    """Return every API name of a module."""
    return [m.api_name for m in MODULES[module]]


def modules_of(c: Call) -> set[str]:
    """Return the modules that this CRM has."""
    return set(MODULES) - set(c.variant.crm_no_modules.split(","))
