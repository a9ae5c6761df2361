"""What each action does to one ticket, through examples; names, defaults and limits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.model import Named, Portal
from zdsync.rules import Limits, compile_rule, load_rules, lowers, run_examples
from zdsync.rules.compiled import (
    AgentChoice,
    AmongChoice,
    Assign,
    Close,
    FieldChoice,
    SetField,
    TeamChoice,
)
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

AMONG = "[{assign: {field: contact.owner, else: {among: [ana@clinic.example, 102]}}}]"


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
        (OWNER, "{subject: a}", "{team: Front Desk, assignee: ana@clinic.example}"),
        (AMONG, "{subject: a}", "{assignee: ana@clinic.example}"),
        (AMONG, "{subject: a, assignee: z@y.example}", "nothing"),
        (AMONG, "{subject: a, contact.owner: x@y.example}", "{assignee: x@y.example}"),
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


def test_an_example_of_among_may_name_any_of_them_and_none_else() -> None:
    some = "[{assign: {among: [ana@clinic.example, sam.lee@clinic.example]}}]"
    assert outcome(some, "{subject: a}", "{assignee: sam.lee@clinic.example}") == []
    assert outcome(some, "{subject: a}", "{assignee: 102}", portal=PORTAL) == []
    assert outcome(some, "{subject: a}", "nothing")
    assert outcome(some, "{subject: a}", "{assignee: sam@maker.example}", portal=PORTAL)


def test_among_names_agents_of_the_portal_and_waits_for_their_list_to_be_fresh() -> None:
    text = HEAD + "    then: [{assign: {among: [ana@clinic.example, 102]}}]\n"
    loaded = load_rules(text, "r.yaml", PORTAL)
    assert not loaded.problems
    ana, sam = PORTAL.agents[:2]
    action = loaded.rules.rules[0].actions[0]
    assert action == Assign((AmongChoice((("ana@clinic.example", ana), ("102", sam))),))
    compiled = compile_rule(loaded.rules.rules[0], loaded.rules, PORTAL, NOW)
    assert compiled.streams == {"desk.tickets", "desk.agents"}
    team = load_rules(HEAD + "    then: [{assign: {team: Front Desk}}]\n", "r.yaml").rules
    assert compile_rule(team.rules[0], team, None, NOW).streams >= {"desk.agents", "desk.teams"}


def test_a_team_name_that_departments_share_is_no_mistake() -> None:
    both = (*PORTAL.teams, Named("t2", "Front Desk", "3"))
    text = HEAD + "    then: [{assign: {team: front desk}}]\n"
    assert not load_rules(text, "r.yaml", replace(PORTAL, teams=both)).problems
    twice = (*both, Named("t3", "Front Desk", "3"))
    assert load_rules(text, "r.yaml", replace(PORTAL, teams=twice)).problems


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
