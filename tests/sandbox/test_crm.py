"""Laws of the CRM: required fields, pages, tokens, If-Modified-Since, deleted, users."""

from __future__ import annotations

import pytest

from tests.sandbox.client import ALL_SCOPES, Answer, Client
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


def coql(c: Client, query: str, **body: str) -> Answer:
    return c.call("POST", "/crm/v8/coql", {"select_query": query, **body})


def test_coql_reads_by_key_at_its_own_price() -> None:
    c = Client(tickets=400)
    ids = sorted(c.state.crm_contacts)
    answer = coql(c, f"select id, Owner from Contacts where id > {ids[3]} order by id limit 2000")
    assert [r["id"] for r in answer.rows] == ids[4:]
    assert all(set(r["Owner"]) == {"id"} for r in answer.rows)
    assert answer.json["info"] == {"count": len(ids) - 4, "more_records": False}
    assert c.box.calls[-1].credits == 3
    assert c.box.writes == []
    first = coql(c, "select id from Contacts where id > '0' limit 5").json
    assert [r["id"] for r in first["data"]] == ids[:5]
    assert first["info"]["more_records"] is True
    assert coql(c, f"select id from Contacts where id > {ids[-1]}").status == 204
    since = "2027-01-01T00:00:00+00:00"
    late = f"select id from Contacts where id > 0 and Modified_Time >= '{since}'"
    assert coql(c, late).status == 204


def test_coql_is_refused_in_its_own_words() -> None:
    c = Client(tickets=60, coql_ids="quoted", crm_no_modules="Leads", crm_forbidden="Accounts")
    assert coql(c, "select id from Contacts").code == "SYNTAX_ERROR"
    assert coql(c, "select id from Contacts where Email = 'x'").code == "SYNTAX_ERROR"
    assert coql(c, "select id from Contacts where id > 0").code == "INVALID_QUERY"
    assert coql(c, "select id from Contacts where id > '0' limit 2001").code == "LIMIT_EXCEEDED"
    assert coql(c, "select id from Leads where id > '0'").code == "INVALID_MODULE"
    assert coql(c, "select id from Accounts where id > '0'").code == "NO_PERMISSION"
    assert c.crm("coql").code == "INVALID_REQUEST_METHOD"
    bare = Client(tickets=20, scopes=ALL_SCOPES.replace(",ZohoCRM.coql.READ", ""))
    assert coql(bare, "select id from Contacts where id > 0").code == "OAUTH_SCOPE_MISMATCH"


def test_a_walk_by_token_ends_at_the_cap() -> None:
    c = Client(tickets=2400, crm_token_records=200)
    page = c.crm(F).json
    assert page["info"]["more_records"] is True
    token = page["info"]["next_page_token"]
    assert c.crm(f"{F}&page_token={token}").code == "PAGINATION_LIMIT_EXCEEDED"


def test_tokens_go_on_by_key_or_by_offset() -> None:
    for frozen, skipped in ((True, 0), (False, 1)):
        c = Client(tickets=400, crm_token_frozen=frozen)
        ids = sorted(c.state.crm_contacts)
        page = c.crm(F + "&sort_order=asc&per_page=5").json
        c.box.crm_delete("Contacts", ids[0])
        token = page["info"]["next_page_token"]
        following = c.crm(f"{F}&sort_order=asc&per_page=5&page_token={token}").rows
        assert following[0]["id"] == ids[5 + skipped]


def test_converted_leads_are_listed_when_asked_for() -> None:
    c = Client(tickets=400)
    lead = next(iter(c.state.crm_leads))
    c.box.crm_convert(lead)
    asked = {
        word: {r["id"] for r in c.crm(f"Leads?fields=Email{word}").rows}
        for word in ("", "&converted=true", "&converted=both")
    }
    assert lead not in asked[""]
    assert asked["&converted=true"] == {lead}
    assert asked["&converted=both"] == set(c.state.crm_leads)
    assert c.crm("Leads?fields=Email&converted=maybe").status == 400


def test_what_is_not_shared_is_nowhere_and_in_no_feed() -> None:
    c = Client(tickets=200)
    one = next(iter(c.state.crm_contacts))
    c.box.crm_share("Contacts", one, shared=False)
    assert one not in {r["id"] for r in c.crm(F).rows}
    assert c.crm(f"Contacts/{one}").status == 204
    assert c.crm("Contacts/deleted").status == 204
    c.box.crm_share("Contacts", one, shared=True)
    assert c.crm(f"Contacts/{one}").status == 200


def test_formulas_change_without_a_modified_time() -> None:
    c = Client(tickets=200)
    one = next(iter(c.state.crm_accounts))
    before = c.crm(f"Accounts/{one}").rows[0]
    c.clock.tick(minutes=30)
    c.box.crm_recalculate("Accounts", one, Health_Score=999)
    after = c.crm(f"Accounts/{one}").rows[0]
    assert (after["Health_Score"], after["Modified_Time"]) == (999, before["Modified_Time"])


def test_the_deleted_feed_may_end_early_and_all_users_may_leave_the_deleted_out() -> None:
    c = Client(tickets=2400, crm_deleted_records=200, crm_all_users=False)
    for one in list(c.state.crm_contacts)[:210]:
        c.box.crm_delete("Contacts", one)
    assert c.crm("Contacts/deleted").json["info"]["more_records"] is True
    assert c.crm("Contacts/deleted?page=2").code == "DISCRETE_PAGINATION_LIMIT_EXCEEDED"
    one = next(iter(c.state.crm_users))
    c.box.crm_user(one, status="deleted")
    assert one not in {u["id"] for u in c.crm("users?type=AllUsers").json["users"]}


def test_links_come_and_go_without_a_modified_time() -> None:
    c = Client(tickets=200)
    contact, account = next(iter(c.state.contacts)), next(iter(c.state.accounts))
    before = c.get(f"contacts/{contact}").json["modifiedTime"]
    c.clock.tick(minutes=30)
    c.box.relink_contact(contact, "777", "leads")
    c.box.relink_account(account, None)
    row = c.get(f"contacts/{contact}").json
    assert row["zohoCRMContact"] == {"id": "777", "type": "leads"}
    assert row["modifiedTime"] == before
    assert c.get(f"accounts/{account}").json["zohoCRMAccount"] is None
