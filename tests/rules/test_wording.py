"""Examples that expect the wording of what a rule says, whole or in part."""

from __future__ import annotations

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.model import Portal
from zdsync.rules import load_rules, run_examples

QUERY = duck()
COMMENT = (
    "Dear {{ contact.name or 'customer' }}, <b>{{ subject }}</b>\n since {{ created | date }}."
)


def told(
    then: str, given: str, expect: str, portal: Portal | None = None
) -> tuple[list[str], list[str]]:
    """What reading the file complains of, and what its example comes to."""
    text = (
        "version: 1\nrules:\n  - id: speaks\n    why: somebody asked\n"
        f"    when: {{subject: {{known: true}}}}\n    then: [{then}]\n"
        f"    examples: [{{given: {given}, expect: {expect}}}]\n"
    )
    loaded = load_rules(text, "r.yaml", portal)
    if loaded.problems:
        return [one.what for one in loaded.problems], []
    return [], [one.what for one in run_examples(loaded.rules, portal, QUERY, NOW)]


SAYS = f"{{comment: {COMMENT!r}}}"
REPLY = "{reply: {template: 'We are on it, {{ contact.name }}.', from: help@clinic.example}}"
NOTICE = "{notify: {to: ops, text: '{{ ticket.number }}: {{ priority }} & {{ rule.why }}'}}"
GIVEN = "{subject: 'a < b & c', contact.name: Mia Öz, created: 2026-03-01 10:00, priority: High}"


@pytest.mark.parametrize("portal", [None, PORTAL])
@pytest.mark.parametrize(
    ("then", "expect"),
    [
        (SAYS, "{comment: true}"),
        (SAYS, "{comment: Dear Mia Öz}"),
        (SAYS, "{comment: 'DEAR MIA OZ, a < b & c'}"),  # folded, as the customer's own words are
        (SAYS, "{comment: 'dear mia öz, a < b & c since 2026-03-01.'}"),
        (REPLY, "{reply: 'on it, Mia Öz'}"),
        (REPLY, "{reply: true}"),
        (NOTICE, "{notify: 'ticket.number: High & somebody asked'}"),
    ],
)
def test_example_may_expect_a_part_of_the_wording(
    then: str, expect: str, portal: Portal | None
) -> None:
    assert told(then, GIVEN, expect, portal) == ([], [])


def test_another_wording_is_told_with_the_one_that_came_out() -> None:
    _, (what,) = told(SAYS, GIVEN, "{comment: Dear Mia Ruiz}")
    assert "expected comment: dear mia ruiz" in what
    assert "came out comment: dear mia oz, a < b & c since 2026-03-01." in what


def test_what_is_left_out_of_given_is_empty_in_the_text() -> None:
    assert told(SAYS, "{subject: a}", "{comment: 'Dear customer, a'}") == ([], [])


def test_an_example_of_a_text_that_cannot_be_filled_fails() -> None:
    says = "{comment: '{{ contact.name }}'}"
    assert told(says, "{subject: a, contact.name: Mia}", "{comment: true}") == ([], [])
    _, (what,) = told(says, "{subject: a}", "{comment: true}")
    assert "comment: nothing, for its template comes to an empty text" in what


def test_a_comment_that_nobody_makes_is_not_expected() -> None:
    _, (what,) = told("{set: {priority: High}}", "{subject: a}", "{priority: High, comment: Dear}")
    assert "expected comment: dear, priority: high, came out priority: high" in what
    _, (what,) = told(SAYS, "{subject: a}", "nothing")
    assert "expected nothing, came out comment: true" in what


@pytest.mark.parametrize("said", ["false", "null", "no"])
def test_what_is_not_said_is_left_out(said: str) -> None:
    problems, failed = told(SAYS, GIVEN, f"{{comment: {said}}}")
    if said == "no":  # a word to YAML 1.2: a wording, which the text holds not
        assert problems == []
        assert failed
    else:
        assert problems == [f"`comment: {said}` expects nothing"]
