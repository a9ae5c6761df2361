"""CRM answers carry the names and shapes of the vendor's spec, read as SOURCE.md advises.

`oneOf` counts as `anyOf`; nullability, patterns and formats are ignored. The spec is not in
this repository: without the folder beside it these tests skip and say so.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from tests.sandbox.client import Client

SPEC = Path(__file__).parents[2].parent / "shared" / "zoho" / "crm-oas" / "v8.0"
FILES = (
    "record",
    "users",
    "org",
    "fields",
    "common",
    "tags",
    "layouts",
    "profiles",
    "modules",
    "custom_views",
    "related_lists",
    "coql",
)
WEB = "https://raw.githubusercontent.com/Zohocorp-Pvt-Ltd/crm-oas/refs/heads/main/v8.0/"
DROPPED = (
    "pattern",
    "format",
    "nullable",
    "required",
    "minimum",
    "maximum",
    "minItems",
    "enum",
    "maxLength",
    "minLength",
)
ODD = {"time_zone"}  # SOURCE.md: an object in the spec, text in real bodies


def _plain(node: Any) -> Any:
    """Drop what does not hold in real bodies and let everything be null."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    out: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            out[key] = {n: {} if n in ODD else _plain(v) for n, v in value.items()}
        elif key == "oneOf":
            out["anyOf"] = _plain(value)
        elif key == "type" and isinstance(value, str):
            out[key] = [value, "null"]
        elif key == "$ref" and value.startswith("https://"):
            out[key] = "urn:" + value.removeprefix(WEB)
        elif key not in DROPPED or not isinstance(value, (str, int, bool, list)):
            out[key] = _plain(value)
    return out


@cache
def _registry() -> Registry[Any]:
    if not SPEC.is_dir():
        pytest.skip("crm-oas not found: skipped")
    return Registry().with_resources(
        (
            f"urn:{name}.json",
            Resource(_plain(json.loads((SPEC / f"{name}.json").read_text())), DRAFT202012),
        )
        for name in FILES
    )


def _check(file: str, schema: str, body: Any) -> None:
    ref = {"$ref": f"urn:{file}.json#/components/schemas/{schema}"}
    errors = list(Draft202012Validator(ref, registry=_registry()).iter_errors(body))
    assert errors == []


def _names(file: str, schema: str) -> set[str]:
    _registry()
    spec = json.loads((SPEC / f"{file}.json").read_text())
    return set(spec["components"]["schemas"][schema]["properties"])


@pytest.fixture(scope="module")
def client() -> Client:
    c = Client(tickets=400)
    for record_id in list(c.state.crm_contacts)[:2]:
        c.box.crm_delete("Contacts", record_id)
    c.box.crm_delete("Contacts", list(c.state.crm_contacts)[3], permanent=True)
    return c


@pytest.mark.parametrize("module", ["Contacts", "Accounts", "Leads"])
def test_lists_have_the_names_and_shapes_of_record(client: Client, module: str) -> None:
    fields = "Owner,Created_By,Modified_By,Created_Time,Modified_Time,Tag,Email,Account_Name"
    body = client.crm(f"{module}?fields={fields}&per_page=5").json
    _check("record", "Response_Wrapper", body)
    assert set(body["info"]) <= _names("record", "Info")
    assert {"id", "Created_By", "Created_Time", "Modified_By", "Modified_Time"} <= (
        _names("record", "Record")
    )


def test_single_record_is_a_list_of_one(client: Client) -> None:
    record_id = next(iter(client.state.crm_accounts))
    body = client.crm(f"Accounts/{record_id}").json
    _check("record", "Response_Wrapper", body)
    assert "info" not in body


def test_deleted_rows_have_the_declared_names(client: Client) -> None:
    body = client.crm("Contacts/deleted").json
    _check("record", "Deleted_Records_Wrapper", body)
    for row in body["data"]:
        assert set(row) <= _names("record", "Deleted_Record")


def test_users_have_the_declared_names(client: Client) -> None:
    body = client.crm("users?type=AllUsers").json
    _check("users", "Response_Wrapper", body)
    for row in body["users"]:
        # type__s stands in the newer pages only (CRM 11, V7)
        assert set(row) - {"type__s"} <= _names("users", "users")


def test_org_has_the_declared_names(client: Client) -> None:
    body = client.crm("org").json
    _check("org", "Response_Wrapper", body)
    assert set(body["org"][0]) <= _names("org", "Org")


@pytest.mark.parametrize("module", ["Contacts", "Accounts", "Leads"])
def test_fields_have_the_declared_names(client: Client, module: str) -> None:
    body = client.crm(f"settings/fields?module={module}").json
    _check("fields", "Response_Wrapper", body)
    for row in body["fields"]:
        assert set(row) <= _names("fields", "fields")


def test_errors_have_the_declared_shape(client: Client) -> None:
    body = client.crm("Contacts").json
    _check("record", "API_Exception", body)
    assert set(body) == {"code", "details", "message", "status"}


def test_coql_has_the_declared_shape_in_both_directions(client: Client) -> None:
    asked = {"select_query": "select id, Owner from Contacts where id > 0 limit 5"}
    _check("coql", "Body_Wrapper", asked)
    body = client.call("POST", "/crm/v8/coql", asked).json
    _check("coql", "Response_Wrapper", body)
    assert set(body["info"]) <= _names("record", "Info")
    wrong = client.call("POST", "/crm/v8/coql", {"select_query": "select"}).json
    _check("record", "API_Exception", wrong)
