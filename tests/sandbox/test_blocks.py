"""Laws of refusals: a ticket that takes no write, or not this one, and rights that lack."""

from __future__ import annotations

import pytest

from tests.sandbox.client import Client


@pytest.mark.parametrize("kind", ["locked", "merged"])
def test_a_blocked_ticket_takes_no_write_and_nothing_changes(kind: str) -> None:
    c = Client(tickets=50)
    t = c.ticket("Support")
    before = t.modified
    c.clock.tick(minutes=5)
    c.box.block(t.id, kind)
    for answer in (
        c.patch(f"tickets/{t.id}", {"priority": "High"}),
        c.post(f"tickets/{t.id}/associateTag", {"tags": ["abc"]}),
        c.post(f"tickets/{t.id}/comments", {"content": "x"}),
        c.post("tickets/markSpam", {"ids": [t.id], "isSpam": True}),
    ):
        assert (answer.status, answer.code) == (422, "UNPROCESSABLE_ENTITY")
    assert t.modified == before and not c.box.writes
    assert c.get(f"tickets/{t.id}").status == 200


@pytest.mark.parametrize("names", [False, True])
def test_a_blueprint_keeps_the_fields_that_it_restricts(names: bool) -> None:
    c = Client(tickets=50, blueprint_names=names)
    t = c.ticket("Support")
    c.box.block(t.id, "blueprint", "status")
    assert c.patch(f"tickets/{t.id}", {"category": "x"}).status == 200
    answer = c.patch(f"tickets/{t.id}", {"category": "y", "status": "On Hold"})
    assert answer.code == ("INVALID_DATA" if names else "UNPROCESSABLE_ENTITY")
    if names:
        assert [one["fieldName"] for one in answer.json["errors"]] == ["/status"]
    assert (t.category, t.status_type) == ("x", "Open")


def test_what_the_profile_forbids_is_refused_and_the_rest_works() -> None:
    c = Client(tickets=50, forbidden="PATCH,move")
    t, there = c.ticket("Support"), c.department("IT")
    moved = c.post(f"tickets/{t.id}/move?departmentId={there}", {"departmentId": there})
    for answer in (c.patch(f"tickets/{t.id}", {"priority": "High"}), moved):
        assert (answer.status, answer.code) == (403, "FORBIDDEN")
    assert c.post(f"tickets/{t.id}/associateTag", {"tags": ["abc"]}).status == 200
    assert c.get(f"tickets/{t.id}").status == 200


def test_a_close_needs_whatever_the_portal_makes_mandatory() -> None:
    c = Client(tickets=50, close_needs="cf_cid", closed_refuses=True)
    t = c.ticket("Support")
    t.cf = None
    closing = {"status": "Closed", "cf": {"cf_outcome": "Resolved"}}
    assert c.patch(f"tickets/{t.id}", closing).json["errors"][0]["fieldName"] == "/cf/cf_cid"
    closing["cf"]["cf_cid"] = "17"
    assert c.patch(f"tickets/{t.id}", closing).status == 200
    assert c.patch(f"tickets/{t.id}", {"category": "x"}).code == "UNPROCESSABLE_ENTITY"
    assert c.patch(f"tickets/{t.id}", {"status": "Open"}).status == 200


def test_an_unknown_block_is_refused_by_name() -> None:
    c = Client(tickets=50)
    with pytest.raises(ValueError, match="blueprint, locked, merged"):
        c.box.block(c.ticket("Support").id, "frozen")
