"""Rows keep everything that came, in our types, and nothing that did not come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zdsync.connectors.decode import decode, instant, moment_of, text_of
from zdsync.model import Row, Shape
from zdsync.streams import BY_NAME

TICKETS = BY_NAME["desk.tickets"]
CONTACTS = BY_NAME["desk.contacts"]


def one(record: dict[str, Any], stream: str = "desk.tickets", shape: Shape = Shape.SEARCH) -> Row:
    return decode(BY_NAME[stream], shape, [{"id": "1", **record}])[0]


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        ("2024-05-06T07:08:09Z", "2024-05-06 07:08:09"),
        ("2024-05-06T07:08:09.000Z", "2024-05-06 07:08:09"),
        ("2024-05-06T07:08:09.120Z", "2024-05-06 07:08:09.120000"),
        ("2024-05-06T07:08:09+05:30", "2024-05-06 01:38:09"),
        ("2024-05-06T00:08:09-06:00", "2024-05-06 06:08:09"),
        (1714979289000, "2024-05-06 07:08:09"),
        ("1714979289120", "2024-05-06 07:08:09.120000"),
    ],
)
def test_an_instant_is_read_in_every_form(given_: object, read: str) -> None:
    assert instant(given_) == read
    assert one({"createdTime": given_})["created_time"] == read


@given(st.datetimes())
def test_an_instant_survives_the_row(moment: Any) -> None:
    text = text_of(moment_of(moment.isoformat(" ")))
    assert text_of(moment_of(text)) == text


@pytest.mark.parametrize("bad", ["soon", "2024-13-01T00:00:00Z", True, {"a": 1}, 10**20])
def test_a_value_that_does_not_fit_is_kept_in_extra(bad: object) -> None:
    row = one({"createdTime": bad, "threadCount": [1], "isSpam": "maybe", "subject": {"x": 1}})
    assert row["created_time"] is None
    assert row["extra"] == {
        "createdTime": bad,
        "threadCount": [1],
        "isSpam": "maybe",
        "subject": {"x": 1},
    }


def test_ids_and_counts_are_the_same_whether_text_or_number() -> None:
    text = one({"departmentId": "1892000000143099123", "threadCount": "7"})
    number = one({"departmentId": 1892000000143099123, "threadCount": 7})
    assert text == number == {"id": "1", "department_id": "1892000000143099123", "thread_count": 7}


def test_unknown_keys_are_kept_and_known_doubles_are_not() -> None:
    row = one({"brandNew": [1], "contact": {"id": "2"}, "cf": {"cf_x": "y"}, "$system": 1})
    assert row == {"id": "1", "extra": {"brandNew": [1]}, "cf": {"cf_x": "y"}}


def test_a_null_of_a_shape_that_does_not_carry_the_key_says_nothing() -> None:
    assert "cf" not in one({"cf": None}, shape=Shape.LIST)
    assert one({"cf": None}, shape=Shape.SEARCH)["cf"] is None


@pytest.mark.parametrize(
    ("link", "columns"),
    [
        ({"zohoCRMContact": {"id": 5, "type": "leads"}}, {"5", "leads"}),
        ({"zohoCRMContact": None}, {None}),
        ({"zohoCRMContact": {}}, set()),
        ({}, set()),
    ],
)
def test_a_crm_link_without_its_keys_is_unknown_and_not_empty(
    link: dict[str, Any], columns: set[str | None]
) -> None:
    row = one(link, "desk.contacts")
    found = {value for key, value in row.items() if key.startswith("zoho_crm")}
    assert found == columns
    assert "extra" not in row


def test_custom_fields_of_the_crm_go_to_cf() -> None:
    record = {"id": "9", "Owner": {"id": "3", "name": "A"}, "SLA_Tier": "Gold", "Odd": 1}
    spec = BY_NAME["crm.accounts"]
    row = decode(spec, Shape.LIST, [record], frozenset({"SLA_Tier"}))[0]
    assert (row["owner_id"], row["cf"], row["extra"]) == ("3", {"SLA_Tier": "Gold"}, {"Odd": 1})


@given(
    st.dictionaries(
        st.sampled_from([f.path.split(".")[0] for f in TICKETS.fields if f.path != "id"] + ["?"]),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()),
    )
)
def test_no_record_with_an_id_is_ever_dropped(record: dict[str, Any]) -> None:
    rows = decode(TICKETS, Shape.SEARCH, [{**record, "id": 7}, {**record, "id": None}])
    assert [row["id"] for row in rows] == ["7"]
