"""What Zoho's refusals mean: one table, and texts that say what to do."""

from __future__ import annotations

import pytest

from tests.changes.test_sight import change
from zdsync.changes.refusals import concerns_all, concerns_call, meaning, receipt_text
from zdsync.errors import Missing, Refused
from zdsync.transport.refusal import Asked, judge

ASKED = Asked("desk", "PATCH", "/tickets/{id}")


def refused(status: int, code: str, message: str = "", *errors: tuple[str, str, str]) -> Refused:
    keys = ("fieldName", "errorType", "errorMessage")
    body = {"errorCode": code, "message": message}
    if errors:
        body["errors"] = [dict(zip(keys, one, strict=True)) for one in errors]
    verdict = judge(ASKED, status, body, retry_after=None)
    assert verdict and isinstance(verdict.error, Refused)
    return verdict.error


INVALID = (422, "INVALID_DATA", "The data is invalid due to validation restrictions")
PLAIN = (422, "UNPROCESSABLE_ENTITY")
KINDS = [
    (refused(*PLAIN, "Ticket is under a Blueprint"), "blueprint"),
    (refused(*PLAIN, "Invalid blue print transition"), "blueprint"),
    (refused(403, "FORBIDDEN", "The ticket is locked"), "locked"),
    (refused(*PLAIN, "Archived tickets cannot be updated"), "archived"),
    (refused(*PLAIN, "The ticket is in the recycle bin"), "trashed"),
    (refused(*PLAIN, "The ticket was merged"), "merged"),
    (refused(*PLAIN, "Closed tickets cannot be edited: it is closed"), "closed"),
    (refused(*INVALID, ("/cf/cf_outcome", "missing", "")), "mandatory"),
    (refused(*INVALID, ("/resolution", "invalid", "Resolution is mandatory")), "mandatory"),
    (refused(*INVALID, ("/assigneeId", "invalid", "")), "outsider"),
    (refused(*INVALID, ("/teamId", "invalid", "")), "outsider"),
    (refused(*PLAIN, "The agent does not belong to the department"), "outsider"),
    (refused(*INVALID, ("/priority", "invalid", "")), "value"),
    (refused(403, "FORBIDDEN", "You do not have permission"), "permission"),
    (refused(403, "LICENSE_ACCESS_LIMITED"), "license"),
    (Refused("desk POST: HTTP 403 SCOPE_MISMATCH", 403, "SCOPE_MISMATCH"), "scope"),
    (refused(404, "URL_NOT_FOUND", "The URL given seems to be incorrect"), "gone"),
    (refused(*PLAIN), "unknown"),
]


@pytest.mark.parametrize(("error", "name"), KINDS)
def test_each_refusal_has_its_meaning(error: Refused, name: str) -> None:
    assert meaning(error).name == name
    assert meaning(error).todo


def test_the_name_of_the_call_is_no_word_of_zoho() -> None:
    closing = Asked("desk", "POST", "/closed/locked/archived")
    verdict = judge(closing, 422, {"errorCode": "UNPROCESSABLE_ENTITY"}, retry_after=None)
    assert verdict and isinstance(verdict.error, Refused)
    assert meaning(verdict.error).name == "unknown"


def test_only_what_stops_every_write_stops_the_ticket() -> None:
    whole = {name for error, name in KINDS if concerns_all(error)}
    assert whole == {"archived", "trashed", "merged", "gone"}
    assert {name for error, name in KINDS if concerns_call(error)} - whole == {
        "scope", "license", "permission",
    }  # fmt: skip


def test_a_receipt_holds_zohos_words_what_was_not_done_and_what_to_do() -> None:
    error = refused(*INVALID, ("/cf/cf_cid", "missing", "Clinic is needed to close"))
    text = receipt_text(error, change("status", "Open", "Closed"))
    assert "HTTP 422 INVALID_DATA" in text
    assert "cf.cf_cid (missing: Clinic is needed to close)" in text
    assert "The status was not set because of cf.cf_cid" in text
    assert "let the rule set what it names" in text
    deeds = {
        "department": "was not moved", "spam": "not marked as spam", "comment": "was not added",
        "reply": "was not sent", "tag:x": "tag x was not added", "sub_category": "sub category was",
    }  # fmt: skip
    for field, said in deeds.items():
        assert said in receipt_text(error, change(field, None, True))


def test_no_word_of_a_customer_gets_into_a_receipt() -> None:
    told = ("/email", "invalid", 'The value "jane@home.example" of jane@home.example is wrong')
    text = receipt_text(refused(*INVALID, told), change("priority", None, "High"))
    assert "jane" not in text


def test_a_missing_record_of_a_named_id_is_gone() -> None:
    assert meaning(Missing("desk: HTTP 422 INVALID_DATA", 422, "INVALID_DATA", ["id"])).name == (
        "gone"
    )
