"""Laws of reading: shapes, pages, ranges, depth, counts, refusals."""

from __future__ import annotations

import pytest

from tests.sandbox.client import Answer, Client

SPAN = "2024-01-01T00:00:00Z,2027-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def c() -> Client:
    return Client(tickets=1500)


def _ids(answer: Answer) -> list[str]:
    return [row["id"] for row in answer.rows]


def test_list_rows_lack_what_the_fact_sheet_says_they_lack(c: Client) -> None:
    row = c.get("tickets?limit=1").rows[0]
    absent = {
        "modifiedTime",
        "createdBy",
        "modifiedBy",
        "description",
        "cf",
        "customFields",
        "resolution",
        "classification",
        "slaId",
        "tagCount",
        "attachmentCount",
        "isTrashed",
        "isDeleted",
    }
    assert not absent & set(row)
    assert {"lastThread", "relationshipType"} <= set(row)


def test_search_rows_are_nearly_full_with_their_own_assignee(c: Client) -> None:
    row = c.get(f"tickets/search?assigneeId={c.agent('Support')}").rows[0]
    assert {"emailId", "zuid"} <= set(row["assignee"]) and "email" not in row["assignee"]
    assert {"modifiedTime", "cf", "description", "contact", "createdBy"} <= set(row)
    assert not {"tagCount", "isTrashed", "isDeleted", "sentiment", "source", "tags"} & set(row)


def test_detail_has_counts_but_no_tags_inline(c: Client) -> None:
    t = next(t for t in c.state.tickets.values() if t.tags)
    row = c.get(f"tickets/{t.id}").json
    assert row["tagCount"] == str(len(t.tags)) and "tags" not in row
    assert not {"lastThread", "relationshipType"} & set(row)


def test_people_shapes_per_call(c: Client) -> None:
    assert "modifiedTime" not in c.get("contacts?limit=1").rows[0]
    assert "isSpam" in c.get("contacts?limit=1").rows[0]
    found = c.get("contacts/search?limit=1").rows[0]
    assert "isSpam" not in found and "modifiedTime" in found and "zohoCRMContact" in found
    assert "zohoCRMAccount" in c.get("accounts?limit=1").rows[0]
    assert "zohoCRMAccount" not in c.get("accounts/search?limit=1").rows[0]
    assert "isTrashed" in c.get(f"accounts/{next(iter(c.state.accounts))}").json


def test_teams_stand_under_their_own_key_and_all_at_once(c: Client) -> None:
    assert len(c.get("teams").json["teams"]) == len(c.state.teams)
    assert len(c.get("teams?limit=2").json["teams"]) == 2


def test_agents_default_to_ten_rows(c: Client) -> None:
    assert len(c.get("agents").rows) == 10
    assert len(c.get("agents?limit=200").rows) == len(c.state.agents) == 15


def test_status_classes_come_from_the_fields(c: Client) -> None:
    status = next(f for f in c.get("fields?module=tickets").rows if f["apiName"] == "status")
    kinds = {o["value"]: o["statusType"] for o in status["pickListValues"]}
    assert kinds["Waiting for customer"] == "On Hold" and kinds["Escalated"] == "Open"
    old = c.get("organizationFields?module=tickets&apiNames=status").rows[0]
    assert old["allowedValues"] == status["pickListValues"]


def test_fields_endpoint_may_be_missing() -> None:
    c = Client(tickets=20, fields_endpoint=False)
    assert c.get("fields?module=tickets").status == 404
    assert c.get("organizationFields?module=tickets").status == 200


def test_range_ends_follow_the_variant() -> None:
    for start, end, expected in (
        ("inclusive", "inclusive", 3),
        ("exclusive", "inclusive", 2),
        ("inclusive", "exclusive", 2),
        ("exclusive", "exclusive", 1),
    ):
        c = Client(tickets=20, range_start=start, range_end=end)
        for _ in range(3):
            c.clock.tick(seconds=10)
            c.box.create()
        ms = [t.created for t in list(c.state.tickets.values())[-3:]]
        ends = ",".join(str(c.box.api.shaper.time(at)) for at in (ms[0], ms[-1]))
        assert c.get(f"tickets/search?createdTimeRange={ends}").json["count"] == expected


def test_search_by_offsets_gives_every_row_once(c: Client) -> None:
    seen: list[str] = []
    for offset in range(0, 1000, 100):
        seen += _ids(
            c.get(
                f"tickets/search?modifiedTimeRange={SPAN}&sortBy=modifiedTime"
                f"&limit=100&from={offset}"
            )
        )
    assert len(seen) == len(set(seen)) == 1000
    times = [c.state.tickets[i].modified for i in seen]
    assert times == sorted(times)


def test_search_depth_is_a_wall() -> None:
    shallow, deep = Client(tickets=50), Client(tickets=50, search_depth=4999)
    assert shallow.get("tickets/search?from=900&limit=100").status == 204
    for path in ("tickets/search?from=901&limit=100", "contacts/search?from=1000&limit=1"):
        answer = shallow.get(path)
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY")
        assert "0-999" in answer.json["message"]
    assert deep.get("tickets/search?from=4900&limit=100").status == 204
    assert deep.get("tickets/search?from=4999&limit=10").status == 422


def test_bases_of_from_differ_by_variant() -> None:
    zero, one = Client(tickets=50), Client(tickets=50, from_base=1, search_from_base=1)
    for path in ("tickets?sortBy=createdTime&limit=5", "tickets/search?sortBy=createdTime&limit=5"):
        first = _ids(zero.get(path + "&from=0"))
        assert first == _ids(one.get(path + "&from=1")) == _ids(one.get(path + "&from=0"))
        assert first != _ids(zero.get(path + "&from=1"))


def test_list_cap_refuses_or_clamps() -> None:
    refusing, clamping = (
        Client(tickets=200, list_page_cap=50),
        Client(tickets=200, list_page_cap=99, list_over_cap="clamp"),
    )
    assert refusing.get("tickets?limit=51").status == 422
    assert len(refusing.get("tickets?limit=50").rows) == 50
    assert len(clamping.get("tickets?limit=100").rows) == 99


def test_epoch_variant_writes_milliseconds_everywhere() -> None:
    c = Client(tickets=50, times="epoch")
    row = c.get("tickets/search?limit=1").rows[0]
    assert isinstance(row["createdTime"], int) and row["createdTime"] > 10**12
    assert isinstance(c.get("departments").rows[0]["createdTime"], int)


def test_search_sees_a_change_only_after_the_lag() -> None:
    c = Client(tickets=50, index_lag_seconds=120)
    t = c.ticket()
    before = t.subject
    c.clock.tick(seconds=5)
    c.box.edit(t.id, subject="changed")
    new = c.box.create(subject="brand new")
    shown = c.get(f"tickets/search?id={t.id}").rows[0]
    assert shown["subject"] == before and c.get(f"tickets/{t.id}").json["subject"] == "changed"
    assert c.get(f"tickets/search?id={new.id}").status == 204
    c.clock.tick(seconds=121)
    assert c.get(f"tickets/search?id={t.id}").rows[0]["subject"] == "changed"
    assert c.get(f"tickets/search?id={new.id}").rows[0]["subject"] == "brand new"


@pytest.mark.parametrize("kind", ["spam", "archived", "trashed"])
def test_search_hides_or_shows_by_variant(kind: str) -> None:
    for shown in (False, True):
        c = Client(tickets=50, **{f"{kind}_in_search": shown})
        t = c.ticket()
        {"spam": c.box.mark_spam, "archived": c.box.archive, "trashed": c.box.trash}[kind](t.id)
        status = 200 if shown else 204
        assert c.get(f"tickets/search?ticketNumber={t.number}").status == status
        assert c.get(f"tickets/{t.id}").status == 200
        assert t.id not in _ids(c.get("tickets?limit=100"))


def test_counts_may_be_capped_or_text() -> None:
    c = Client(tickets=300, count_capped_at=100, count_as_string=True)
    assert c.get("tickets/search?limit=1").json["count"] == "100"


def test_counts_agree_with_the_state(c: Client) -> None:
    live = [t for t in c.state.tickets.values() if t.trashed is None and not t.archived]
    assert c.get("ticketsCount").json["count"] == str(len(live))
    kinds = c.get("ticketsCountByFieldValues?field=statusType,spam").json
    assert {v["value"] for v in kinds["statusType"]} == {"OPEN", "ONHOLD", "CLOSED"}
    assert kinds["spam"] == str(sum(t.spam for t in live))


def test_lists_may_refuse_fields_and_minus_modified() -> None:
    c = Client(tickets=50, list_refuses_fields=True, list_refuses_minus_modified=True)
    assert c.get("tickets?fields=subject").status == 422
    assert c.get("tickets?sortBy=-modifiedTime").status == 422
    easy = Client(tickets=50)
    rows = easy.get("tickets?sortBy=-modifiedTime&fields=modifiedTime&limit=20").rows
    assert [set(r) for r in rows] == [{"id", "modifiedTime"}] * 20
    assert easy.get("tickets?fields=nonsense").status == 500


def test_strict_refusals(c: Client) -> None:
    for path, status in (
        ("tickets?modifiedTimeRange=" + SPAN, 422),
        ("tickets/search?limit=101", 422),
        ("tickets/search?sortBy=subject", 422),
        ("tickets/search?subject=ab", 422),
        ("tickets/search?createdTimeRange=2024-01-01,2025-01-01", 422),
        ("tickets/999", 404),
        ("contacts/999", 404),
        ("agents/999", 404),
        ("ticketTags", 422),
        ("nothing/here", 404),
        ("departments/abc", 404),
    ):
        assert c.get(path).status == status, path
    assert "extra query parameter" in c.get("tickets?foo=1").json["message"]
    assert c.call("PUT", "/api/v1/tickets").code == "METHOD_NOT_ALLOWED"


def test_missing_ids_answer_by_variant() -> None:
    for status in (404, 204, 422):
        assert Client(tickets=20, missing_answers=status).get("tickets/999").status == status


def test_empty_lists_are_204_without_a_body(c: Client) -> None:
    answer = c.get("tickets?from=100000")
    assert (answer.status, answer.text) == (204, "")


def test_bin_lists_what_was_trashed() -> None:
    c = Client(tickets=50)
    t, contact = c.ticket(), next(iter(c.state.contacts))
    c.box.trash(t.id)
    c.box.edit_contact(contact, trashed=True)
    assert {t.id, contact} <= set(_ids(c.get("recycleBin?limit=100")))
    assert contact in _ids(c.get("recycleBin?module=contacts"))
    assert c.get(f"contacts/{contact}").json["isTrashed"] is True
    c.box.restore(t.id)
    assert t.id not in _ids(c.get("recycleBin?limit=100"))


def test_merge_and_purge_make_ids_vanish() -> None:
    c = Client(tickets=50)
    master, loser, gone = (t.id for t in list(c.state.tickets.values())[-3:])
    c.box.merge(master, [loser])
    c.box.purge(gone)
    assert c.get(f"tickets/{loser}").status == c.get(f"tickets/{gone}").status == 404
    assert c.get("recycleBin?limit=100").status in (200, 204)
    lenient = Client(tickets=50, merged_loser="master")
    a, b = list(lenient.state.tickets)[-2:]
    lenient.box.merge(a, [b])
    assert lenient.get(f"tickets/{b}").json["id"] == a


def test_tags_are_read_two_ways(c: Client) -> None:
    department = c.department("Support")
    tag = c.get(f"ticketTags?departmentId={department}&limit=1").rows[0]
    tickets = c.get(f"tags/{tag['id']}/tickets?limit=100").rows
    here = [t for t in tickets if t["departmentId"] == department]
    assert len(here) == int(tag["ticketCount"])
    names = c.get(f"tickets/{here[0]['id']}/tags").json["tags"]
    assert tag["name"] in [n["name"] for n in names]


def test_children_are_stable_and_end_as_the_ticket_says(c: Client) -> None:
    for t in list(c.state.tickets.values())[:200]:
        rows = c.get(f"tickets/{t.id}/threads").rows
        assert len(rows) == t.threads and rows[0]["direction"] == t.last_direction
        assert "content" not in rows[0]
    assert c.get(f"tickets/{t.id}/threads").rows == rows
    both = c.get(f"tickets/{t.id}/conversations").rows
    assert len(both) == t.threads + t.comments


def test_search_without_sort_is_newest_first_and_by_ids_exact(c: Client) -> None:
    rows = c.get("tickets/search?limit=50").rows
    times = [r["createdTime"] for r in rows]
    assert times == sorted(times, reverse=True)
    wanted = [rows[3]["id"], rows[9]["id"]]
    answer = c.get(f"tickets/search?id={','.join([*wanted, '999'])}")
    assert set(_ids(answer)) == set(wanted) and answer.json["count"] == 2


def test_storm_shifts_rows_between_pages() -> None:
    c = Client(tickets=200, shift_rows=1.0)
    before = c.state.version
    c.get("tickets/search?limit=1")
    assert c.state.version > before
