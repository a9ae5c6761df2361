"""Laws of writing: side effects, mandatory values, what is refused and what is logged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.client import Answer, Client


@pytest.fixture
def c() -> Client:
    made = Client(tickets=200)
    made.clock.tick(minutes=5)
    return made


def _pointer(answer: Answer) -> str:
    assert (answer.status, answer.code) == (422, "INVALID_DATA")
    return answer.json["errors"][0]["fieldName"]


def test_patch_moves_the_modified_time_and_writes_history(c: Client) -> None:
    t = c.ticket("Support", priority="Low")
    before = t.modified
    row = c.patch(f"tickets/{t.id}", {"priority": "High"}).json
    assert row["priority"] == "High" and t.modified > before
    event = c.get(f"tickets/{t.id}/History").rows[0]
    assert event["eventName"] == "TicketUpdated" and event["actor"]["id"] == c.state.api_agent
    assert event["eventInfo"][0]["propertyValue"] == {
        "previousValue": "Low",
        "updatedValue": "High",
    }


def test_status_carries_its_class_and_times(c: Client) -> None:
    t = c.ticket("Paid Support")
    row = c.patch(f"tickets/{t.id}", {"status": "Waiting for customer"}).json
    assert row["statusType"] == "On Hold" and row["onholdTime"]
    row = c.patch(f"tickets/{t.id}", {"status": "Closed"}).json
    assert row["statusType"] == "Closed" and row["closedTime"] and not row["onholdTime"]
    row = c.patch(f"tickets/{t.id}", {"status": "Open"}).json
    assert row["closedTime"] is None


def test_closing_mails_the_contact_unless_told_not_to(c: Client) -> None:
    loud, quiet = c.ticket("Paid Support"), c.ticket("Trials")
    c.patch(f"tickets/{loud.id}", {"status": "Closed"})
    c.call(
        "PATCH", f"/api/v1/tickets/{quiet.id}?disableClosureNotification=true", {"status": "Closed"}
    )
    assert [(m.ticket_id, m.kind) for m in c.box.mails] == [(loud.id, "closed")]
    again = c.ticket("Community")
    c.post("closeTickets", {"ids": [again.id]})
    assert c.box.mails[-1].ticket_id == again.id


@pytest.mark.parametrize("department", ["IT", "Support"])
def test_clinic_tickets_close_only_with_an_outcome(c: Client, department: str) -> None:
    t = c.ticket(department)
    t.cf = None
    answer = c.patch(f"tickets/{t.id}", {"status": "Closed"})
    assert _pointer(answer) == "/cf/cf_outcome"
    assert t.status != "Closed" and c.box.writes == []
    done = c.patch(f"tickets/{t.id}", {"status": "Closed", "cf": {"cf_outcome": "Spam"}})
    assert done.status == 200 and done.json["cf"]["cf_outcome"] == "Spam"


def test_assignee_must_be_active_in_the_department(c: Client) -> None:
    t = c.ticket("Support")
    disabled = next(a for a in c.state.agents.values() if a.status == "DISABLED")
    for agent in (disabled.id, c.outsider("Support"), "999"):
        assert _pointer(c.patch(f"tickets/{t.id}", {"assigneeId": agent})) == "/assigneeId"
    assert c.patch(f"tickets/{t.id}", {"assigneeId": c.agent("Support")}).status == 200
    assert c.patch(f"tickets/{t.id}", {"assigneeId": None}).json["assigneeId"] is None


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"status": "Nowhere"}, "/status"),
        ({"priority": "Urgent"}, "/priority"),
        ({"cf": {"cf_nothing": "1"}}, "/cf/cf_nothing"),
        ({"cf": {"cf_outcome": "x"}}, "/cf/cf_outcome"),
        ({"cf": {"cf_follow_up": "tomorrow"}}, "/cf/cf_follow_up"),
        ({"isSpam": True}, "/isSpam"),
        ({"statusType": "Closed"}, "/statusType"),
        ({"tags": ["abc"]}, "/tags"),
        ({"subject": "x" * 1001}, "/subject"),
        ({"teamId": "5"}, "/teamId"),
    ],
)
def test_values_that_the_portal_does_not_know_are_refused(
    c: Client, body: dict[str, Any], pointer: str
) -> None:
    t = c.ticket("Support")
    before = t.modified
    assert _pointer(c.patch(f"tickets/{t.id}", body)) == pointer
    assert t.modified == before and c.box.writes == []


def test_move_frees_strangers_and_needs_the_query(c: Client) -> None:
    t, there = c.ticket("IT"), c.department("Support")
    erin = next(a.id for a in c.state.agents.values() if a.first == "Erin")
    carla = next(a.id for a in c.state.agents.values() if a.first == "Carla")
    assert c.post(f"tickets/{t.id}/move", {"departmentId": there}).status == 422
    for agent, left in ((erin, None), (carla, carla)):
        c.box.edit(t.id, department_id=c.department("IT"), assignee_id=agent)
        answer = c.post(f"tickets/{t.id}/move?departmentId={there}", {"departmentId": there})
        assert (answer.status, answer.text) == (200, "")
        assert (t.department_id, t.assignee_id) == (there, left)


def test_mark_spam_leaves_the_contact_alone_unless_asked(c: Client) -> None:
    t = c.ticket("Support")
    contact = c.state.contacts[t.contact_id]
    answer = c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True})
    assert (answer.status, answer.text, t.spam, contact.spam) == (200, "", True, False)
    c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True, "contactSpam": True})
    assert contact.spam


def test_tags_do_not_move_the_modified_time_by_default(c: Client) -> None:
    t = c.ticket("Support")
    before = t.modified
    answer = c.post(f"tickets/{t.id}/associateTag", {"tags": ["Data Import - Export", "übung"]})
    assert [r["name"] for r in answer.rows] == ["Data Import - Export", "übung"]
    assert c.post(f"tickets/{t.id}/associateTag", {"tags": ["ÜBUNG"]}).rows == []
    assert c.post(f"tickets/{t.id}/dissociateTag", {"tags": ["übung"]}).status == 200
    assert "übung" not in t.tags and t.modified == before
    bumping = Client(tickets=50, tags_bump_modified=True)
    other = bumping.ticket("Support")
    bumping.clock.tick(seconds=30)
    before = other.modified
    bumping.post(f"tickets/{other.id}/associateTag", {"tags": ["new one"]})
    assert other.modified > before


@pytest.mark.parametrize("name", ["no/slash", "a&b", "ab", "x" * 51, "null"])
def test_bad_tag_names_are_refused(c: Client, name: str) -> None:
    t = c.ticket("Support")
    assert c.post(f"tickets/{t.id}/associateTag", {"tags": [name]}).status == 422


def test_trashed_and_archived_tickets_take_no_writes(c: Client) -> None:
    one, two = c.ticket("Support"), c.ticket("IT")
    c.box.trash(one.id)
    c.box.archive(two.id)
    for t in (one, two):
        assert c.patch(f"tickets/{t.id}", {"priority": "Low"}).status == 422
        assert c.post(f"tickets/{t.id}/comments", {"content": "x"}).status == 422


def test_bulk_calls_answer_nothing_per_ticket(c: Client) -> None:
    ids = [t.id for t in c.state.tickets.values() if t.department_id == c.department("Trials")][:4]
    answer = c.post(
        "tickets/updateMany", {"ids": ids, "fieldName": "priority", "fieldValue": "Low"}
    )
    assert (answer.status, answer.text) == (204, "")
    assert {c.state.tickets[i].priority for i in ids} == {"Low"}
    assert c.box.calls[-1].credits == 25
    assert (
        c.post(
            "tickets/updateMany",
            {"ids": [*ids, "9"], "fieldName": "priority", "fieldValue": "High"},
        ).status
        == 422
    )
    assert {c.state.tickets[i].priority for i in ids} == {"Low"}


def test_reply_becomes_a_thread_and_a_mail(c: Client) -> None:
    t = c.ticket("Support")
    count, before = t.threads, t.modified
    row = c.post(
        f"tickets/{t.id}/sendReply",
        {
            "channel": "EMAIL",
            "content": "<b>Hi</b>",
            "contentType": "html",
            "fromEmailAddress": "support@clinic.example",
        },
    ).json
    assert row["direction"] == "out" and t.threads == count + 1 and t.last_direction == "out"
    assert c.box.mails[-1].kind == "reply" and t.modified > before
    assert c.get(f"tickets/{t.id}/threads").rows[0]["id"] == row["id"]


def test_comment_moves_the_modified_time_only_by_variant(c: Client) -> None:
    t = c.ticket("Support")
    before = t.modified
    note = c.post(f"tickets/{t.id}/comments", {"content": "zd:1", "isPublic": False}).json
    assert t.modified == before and "commentedTime" in note and "createdTime" not in note
    assert c.get(f"tickets/{t.id}/comments").rows[0]["content"] == "zd:1"


def test_writes_are_logged_in_order_with_their_ticket(c: Client) -> None:
    t = c.ticket("Support")
    c.post(f"tickets/{t.id}/associateTag", {"tags": ["abc"]})
    c.patch(f"tickets/{t.id}", {"priority": "Urgent"})
    c.patch(f"tickets/{t.id}", {"priority": "Low"})
    c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True})
    assert [(w.method, w.path.rsplit("/", 1)[1], w.ticket_id) for w in c.box.writes] == [
        ("POST", "associateTag", t.id),
        ("PATCH", t.id, t.id),
        ("POST", "markSpam", t.id),
    ]


def test_remote_edits_look_like_people(c: Client) -> None:
    t = c.ticket("Support")
    for by, kind in (("agent", "Agent"), ("customer", "Contact"), ("automation", "Workflow")):
        c.box.edit(t.id, by=by, subject=f"by {by}")
        assert c.get(f"tickets/{t.id}/History?limit=1").rows[0]["actor"]["type"] == kind
    c.box.edit(t.id, assigneeId=c.agent("Support"), cf={"cf_cid": "9"})
    assert t.assignee_id == c.agent("Support") and t.cf and t.cf["cf_cid"] == "9"


def test_mass_update_shares_one_second(c: Client) -> None:
    ids = [
        t.id
        for t in c.state.tickets.values()
        if not t.spam and t.trashed is None and not t.archived
    ][:120]
    at = c.box.api.shaper.time(c.box.mass_update(ids, priority="High"))
    answer = c.get(f"tickets/search?modifiedTimeRange={at},{at}&limit=100&sortBy=modifiedTime")
    assert answer.json["count"] == 120 and len(answer.rows) == 100


def test_create_answers_200_and_needs_a_contact(c: Client) -> None:
    department = c.department("IT")
    assert c.post("tickets", {"subject": "x", "departmentId": department}).status == 422
    contact = next(iter(c.state.contacts))
    answer = c.post("tickets", {"subject": "x", "departmentId": department, "contactId": contact})
    assert answer.status == 200 and c.get(f"tickets/search?id={answer.json['id']}").rows


def test_update_through_merge_keeps_threads(c: Client) -> None:
    a, b = c.ticket("Support"), c.ticket("IT")
    total = a.threads + b.threads
    answer = c.post(f"tickets/{a.id}/merge", {"ids": [b.id], "source": {"subject": a.id}})
    assert answer.status == 200 and answer.json["threadCount"] == str(total)
    assert c.get(f"tickets/{b.id}").status == 404


def test_reply_comes_from_a_configured_address_only(c: Client) -> None:
    t = c.ticket("Support")
    body = {"channel": "EMAIL", "content": "x", "fromEmailAddress": "me@elsewhere.example"}
    assert _pointer(c.post(f"tickets/{t.id}/sendReply", body)) == "/fromEmailAddress"
    known = [r["address"] for r in c.get("mailReplyAddress").rows]
    assert c.post(f"tickets/{t.id}/sendReply", body | {"fromEmailAddress": known[0]}).status == 200


def test_custom_fields_are_written_by_name_or_by_label(c: Client) -> None:
    t = c.ticket("Support")
    c.patch(f"tickets/{t.id}", {"customFields": {"CID": "A"}})
    assert t.cf and t.cf["cf_cid"] == "A"
    c.patch(f"tickets/{t.id}", {"customFields": {"CID": "A"}, "cf": {"cf_cid": "B"}})
    assert t.cf["cf_cid"] == "B"
    assert c.patch(f"tickets/{t.id}", {"customFields": {"Nope": "A"}}).status == 422


def test_purged_contact_leaves_its_tickets_readable(c: Client) -> None:
    t = c.ticket("Support")
    c.box.purge(t.contact_id)
    assert c.get(f"contacts/{t.contact_id}").status == 404
    assert c.get(f"tickets/search?id={t.id}").rows[0]["contact"] is None
    made = c.box.create_contact("Newman", email="n@x.example")
    assert c.get(f"contacts/search?id={made.id}").rows[0]["email"] == "n@x.example"
