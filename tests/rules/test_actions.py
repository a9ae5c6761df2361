"""What each action does to one ticket, through examples; names, defaults and limits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.model import Portal
from zdsync.rules import Limits, load_rules, lowers, run_examples
from zdsync.rules.compiled import AgentChoice, Assign, Close, FieldChoice, SetField, TeamChoice
from zdsync.rules.models import FileModel

QUERY = duck()
HEAD = """
taxonomies:
  area: {First: [alpha, beta], Second: [gamma, delta], Third: {tag: T-3, words: ['epsi*', 退款]}}
rules:
  - id: r
    when: {subject: {known: true}}
"""


def outcome(
    then: str, given: str, expect: str, extra: str = "", portal: Portal | None = None
) -> Any:
    text = f"{HEAD}    then: {then}\n    examples: [{{given: {given}, expect: {expect}}}]\n{extra}"
    loaded = load_rules(text, "r.yaml", portal)
    assert not loaded.problems, loaded.problems
    return [problem.what for problem in run_examples(loaded.rules, portal, QUERY, NOW)]


LOOKUP = "[{set: {priority: {lookup: account.sla_tier, in: {Gold: High, Silver: Medium}%s}}}]"
OWNER = "[{assign: {field: contact.owner, else: {field: email, else: {team: Front Desk}}}}]"


@pytest.mark.parametrize(
    ("then", "given", "expect"),
    [
        (LOOKUP % "", "{subject: a, account.sla_tier: GOLD}", "{priority: High}"),
        (LOOKUP % "", "{subject: a, account.sla_tier: Tin}", "nothing"),
        (LOOKUP % ", else: Low", "{subject: a, account.sla_tier: Tin}", "{priority: Low}"),
        (LOOKUP % ", else: Low", "{subject: a}", "nothing"),
        (
            LOOKUP % ", else: null",
            "{subject: a, account.sla_tier: Tin, priority: Low}",
            "{priority: null}",
        ),
        (
            LOOKUP % ", never_lower: true",
            "{subject: a, account.sla_tier: Silver, priority: High}",
            "nothing",
        ),
        (
            LOOKUP % ", never_lower: true",
            "{subject: a, account.sla_tier: Gold, priority: Low}",
            "{priority: High}",
        ),
        (
            "[{set: {category: {field: cf.cf_note}}}]",
            "{subject: a, cf.cf_note: Billing}",
            "{category: Billing}",
        ),
        ("[{set: {category: {field: cf.cf_note}}}]", "{subject: a, category: Old}", "nothing"),
        ("[{set: {category: null}}]", "{subject: a, category: Old}", "{category: null}"),
        ("[{set: {cf.cf_count: 3}}]", "{subject: a, cf.cf_count: 3}", "nothing"),
        (OWNER, "{subject: a, contact.owner: x@y.example}", "{assignee: X@Y.example}"),
        (OWNER, "{subject: a, email: m@y.example}", "{assignee: m@y.example}"),
        (OWNER, "{subject: a}", "{team: Front Desk}"),
        (OWNER, "{subject: a, assignee: z@y.example}", "nothing"),
        ("[{assign: nobody}]", "{subject: a, assignee: z@y.example}", "{assignee: null}"),
        ("[{assign: Ana Diaz}]", "{subject: a}", "{assignee: Ana Diaz}"),
        ("[{tag: [one two, three]}]", "{subject: a, tags: [One Two]}", "{tags: [three]}"),
        ("[{tag: {remove: [three]}}]", "{subject: a, tags: [Three]}", "{tags: {remove: [three]}}"),
        ("[{move: Trials}, spam]", "{subject: a}", "{department: Trials, spam: true}"),
        (
            "[{close: {outcome: Resolved}}]",
            "{subject: a}",
            "{status: Closed, cf.cf_outcome: Resolved}",
        ),
        ("[{close: {}}]", "{subject: a, status: Closed, status_type: Closed}", "nothing"),
        ("[{tag: {from: area}}]", "{subject: beta delta gamma}", "{tags: [Second, First]}"),
        ("[{tag: {from: area, at_most: 1}}]", "{subject: beta delta gamma}", "{tags: [Second]}"),
        (
            "[{tag: {from: area, at_most: 2}}]",
            "{subject: 请退款吧 gamma beta}",
            "{tags: [First, Second]}",
        ),
        (
            "[{tag: {from: area, at_most: 1}}]",
            "{subject: beta beta beta gamma delta}",
            "{tags: [Second]}",
        ),
        (
            "[{tag: {from: area, search: [description]}}]",
            "{subject: beta, description: epsilon}",
            "{tags: [T-3]}",
        ),
    ],
)
def test_an_action_does_what_the_page_says(then: str, given: str, expect: str) -> None:
    assert outcome(then, given, expect) == []
    assert outcome(then, given, expect, portal=PORTAL) == []


def test_a_wrong_example_says_what_came_out() -> None:
    (said,) = outcome("[{move: Trials}]", "{subject: a}", "{department: Support}")
    assert (
        said == "an example of r fails: expected department: support, came out department: trials"
    )


def test_a_closed_ticket_is_asked_only_with_scope_all() -> None:
    given = "{subject: a, status_type: Closed}"
    assert outcome("[{move: Trials}]", given, "nothing") == []
    assert outcome("[{move: Trials}]", given, "{department: Trials}", "    scope: all\n") == []


def test_names_are_resolved_in_the_portal_whatever_their_case() -> None:
    text = (
        HEAD
        + "    then:\n"
        + "      - assign: {field: contact.owner, else: {team: front desk}}\n"
        + "      - assign: ANA@clinic.example\n"
        + "      - assign: 102\n"
        + "      - set: {priority: hIGH}\n"
        + "      - close: {outcome: spam, status: closed, notify_contact: false}\n"
    )
    loaded = load_rules(text, "r.yaml", PORTAL)
    assert not loaded.problems
    owner, ana, sam, priority, close = loaded.rules.rules[0].actions
    assert isinstance(owner, Assign)
    assert isinstance(owner.choices[0], FieldChoice)
    assert owner.choices[1] == TeamChoice("front desk", PORTAL.teams[0])
    assert ana == Assign((AgentChoice("ANA@clinic.example", PORTAL.agents[0]),))
    assert sam == Assign((AgentChoice("102", PORTAL.agents[1]),))
    assert isinstance(priority, SetField)
    assert priority.wanted.params == ("High",)
    assert close == Close("Spam", "Closed", False)


def test_limits_are_safe_where_the_file_is_silent() -> None:
    text = HEAD + "    then: [spam]\nlimits: {changes_per_day: 7, share_of_open_tickets: 5%}\n"
    assert load_rules(HEAD + "    then: [spam]\n", "r.yaml").rules.limits == Limits()
    limits = load_rules(text, "r.yaml").rules.limits
    assert limits == Limits(changes_per_day=7, share_of_open_tickets=0.05)


def test_only_a_known_priority_is_ever_lower() -> None:
    assert lowers("High", "low", ())
    assert not lowers("Low", "High", ())
    assert not lowers(None, "Low", ())
    assert not lowers("Urgent", "Low", ("Low", "High"))


def test_every_key_of_the_file_is_described() -> None:
    schema = FileModel.model_json_schema()
    shapes = [schema, *schema["$defs"].values()]
    bare = [
        (shape["title"], key)
        for shape in shapes
        for key, entry in shape.get("properties", {}).items()
        if not entry.get("description")
    ]
    assert bare == []
