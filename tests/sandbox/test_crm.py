"""Laws of the CRM: required fields, pages, tokens, If-Modified-Since, deleted, users."""

from __future__ import annotations

import pytest

from tests.sandbox.client import Client
from zdsync.sandbox.variant import Variant

F = "Contacts?fields=Email"


@pytest.fixture(scope="module")
def c() -> Client:
    return Client(tickets=2400)


def test_fields_are_required_and_at_most_fifty(c: Client) -> None:
    assert c.crm("Contacts").json["details"] == {"param_name": "fields"}
    assert c.crm("Contacts?fields=" + ",".join(f"F{n}" for n in range(51))).code == (
        "LIMIT_EXCEEDED"
    )
    assert c.crm("Contacts?fields=" + ",".join(f"F{n}" for n in range(50))).status == 200
    assert c.crm(F + "&per_page=201").status == 400
    assert c.crm("Deals?fields=x").code == "INVALID_MODULE"
    assert c.crm("a/b/c").code == "INVALID_URL_PATTERN"


def test_token_walk_reads_every_record_once() -> None:
    c = Client(tickets=8000, crm_page_records=400)
    total = len(c.state.crm_contacts)
    page = c.crm(F).json
    seen = [r["id"] for r in page["data"]]
    while page["info"]["more_records"]:
        page = c.crm(f"{F}&page_token={page['info']['next_page_token']}").json
        seen += [r["id"] for r in page["data"]]
    assert len(seen) == len(set(seen)) == total > 1000
    assert page["info"]["next_page_token"] is None
    assert c.crm(F + "&page=2").status == 200
    assert c.crm(F + "&page=3").json["details"] == {"limit": 400}


def test_page_token_is_bound_and_expires(c: Client) -> None:
    token = c.crm(F).json["info"]["next_page_token"]
    since = {"if_modified_since": "2024-01-01T00:00:00+00:00"}
    assert c.crm(f"{F}&page=2&page_token={token}").code == "AMBIGUITY_DURING_PROCESSING"
    assert c.crm(f"{F},Phone&page_token={token}").code == "TOKEN_BOUND_DATA_MISMATCH"
    assert c.crm(f"{F}&page_token={token}", **since).code == "TOKEN_BOUND_DATA_MISMATCH"
    assert c.crm(f"{F}&page_token=foreign").code == "INVALID_DATA"
    assert c.crm(f"{F}&page_token={token}").status == 200
    c.clock.tick(hours=25)
    c.login()
    assert c.crm(f"{F}&page_token={token}").code == "EXPIRED_VALUE"


def test_if_modified_since_filters_or_answers_304() -> None:
    c = Client(tickets=400)
    now = {"if_modified_since": "2026-11-02T12:30:15Z"}
    assert c.crm(F, **now).status == 304
    c.clock.tick(seconds=5)
    record_id = next(iter(c.state.crm_contacts))
    c.box.crm_edit("Contacts", record_id, Email="new@x.example")
    assert [r["id"] for r in c.crm(F, **now).rows] == [record_id]
    exact = {"if_modified_since": "2026-11-02T14:30:20+02:00"}
    assert c.crm(F, **exact).status == 200
    assert Client(tickets=50, ims_answers=204).crm(F, **now).status == 204
    assert c.crm(F, if_modified_since="Mon, 02 Nov 2026 12:00:00 GMT").status == 400


def test_times_carry_the_zone_of_the_token_user() -> None:
    c = Client(tickets=50, crm_zone="+05:30")
    row = c.crm("Contacts?fields=Modified_Time").rows[0]
    assert row["Modified_Time"].endswith("+05:30")


def test_deleted_feed_and_single_calls() -> None:
    c = Client(tickets=200)
    first, second, kept = list(c.state.crm_contacts)[:3]
    assert c.crm("Contacts/deleted").status == 204
    c.box.crm_delete("Contacts", first)
    c.box.crm_delete("Contacts", second, permanent=True)
    rows = {r["id"]: r for r in c.crm("Contacts/deleted").rows}
    assert rows[first]["display_name"] and rows[second]["deleted_by"] is None
    assert [r["id"] for r in c.crm("Contacts/deleted?type=recycle").rows] == [first]
    assert c.crm("Contacts/deleted?type=x").code == "PATTERN_NOT_MATCHED"
    assert c.crm(f"Contacts/{first}").status == 204
    assert c.crm(f"Contacts/{kept}").rows[0]["Full_Name"]
    assert [r["id"] for r in c.crm(f"{F}&ids={kept},{first}").rows] == [kept]
    c.box.crm_restore("Contacts", first)
    assert c.crm(f"Contacts/{first}").status == 200


def test_users_by_type_and_hidden_fields() -> None:
    c = Client(tickets=50, crm_hidden_fields="Contacts.Patient_Since")
    users = c.crm("users?type=AllUsers").json
    assert len(users["users"]) == len(c.state.crm_users) == users["info"]["count"]
    assert c.crm("users?type=DeletedUsers").status == 204
    assert c.crm("users?type=nonsense").status == 400
    assert {r["Patient_Since"] for r in c.crm("Contacts?fields=Patient_Since").rows} == {None}
    metas = {f["api_name"]: f for f in c.crm("settings/fields?module=Contacts").json["fields"]}
    assert metas["Patient_Since"]["hipaa_compliance"]["restricted"] is True
    assert metas["Email"]["hipaa_compliance"] is None


def test_lookups_and_owner_are_objects(c: Client) -> None:
    row = next(r for r in c.crm("Contacts?fields=Account_Name,Owner").rows if r["Account_Name"])
    assert set(row["Account_Name"]) == {"name", "id"}
    assert set(row["Owner"]) == {"name", "id", "email"}
    assert (
        c.state.crm_accounts[row["Account_Name"]["id"]].values["Account_Name"]
        == (row["Account_Name"]["name"])
    )


def test_another_centre_refuses_the_token() -> None:
    assert Client(tickets=20, crm_dc_refuses=True).crm("org").code == "INVALID_TOKEN"
    assert Variant().crm_dc_refuses is False
