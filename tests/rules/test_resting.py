"""A name that the portal has not pauses only its rule, and may be allowed to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.rules.world import NOW, PORTAL, duck
from zdsync.model import CustomField, Named, Portal
from zdsync.rules import Loaded, load_rules, run_examples
from zdsync.rules.condition import compares

FRENCH = replace(
    PORTAL,
    departments=(Named("1", "Informatique"), Named("2", "Support")),
    statuses={"Ouvert": "Open", "En cours": "Open", "En retard": "Open", "Fermé": "Closed"},
    channels=("Courriel", "Web"),
)
WELL = "  - {id: well, when: {priority: Low}, then: [{tag: [seen]}]}\n"


def load(rules: str, portal: Portal = PORTAL, settings: str = "{}") -> Loaded:
    return load_rules(f"version: 1\nsettings: {settings}\nrules:\n{rules}{WELL}", "r.yaml", portal)


def rule(when: str = "{priority: Low}", then: str = "[spam]", more: str = "") -> str:
    return f"  - {{id: other, when: {when}, then: {then}{more}}}\n"


LACKING = (
    ("{department: Suport}", "[spam]"),
    ("{assignee: nobody.such@clinic.example}", "[spam]"),
    ("{team: Front Dsk}", "[spam]"),
    ("{status: [Open, Opn]}", "[spam]"),
    ("{priority: {is_not: Urgent}}", "[spam]"),
    ("{channel: Fax}", "[spam]"),
    ("{cf.cf_outcome: Spm}", "[spam]"),
    ("{cf.cf_nothing: {known: true}}", "[spam]"),
    ("{priority: Low}", "[move: Suport]"),
    ("{priority: Low}", "[{assign: nobody.such@clinic.example}]"),
    ("{priority: Low}", "[{set: {status: Opn}}]"),
    ("{priority: Low}", "[{set: {cf.cf_nothing: x}}]"),
    ("{priority: Low}", "[{close: {outcome: Spm}}]"),
)


@pytest.mark.parametrize(("when", "then"), LACKING)
def test_an_unknown_name_pauses_only_its_rule_and_says_where(when: str, then: str) -> None:
    loaded = load(rule(when, then.replace("[move", "[{move").replace("port]", "port}]")))
    assert not loaded.broken
    assert [one.id for one in loaded.rules.rules] == ["well"]
    (rests,) = loaded.rules.resting
    assert (rests.id, rests.mode, rests.allowed) == ("other", "plan", False)
    assert "(r.yaml:4:" in rests.reason
    assert [problem.rule for problem in loaded.problems] == ["other"]


@pytest.mark.parametrize(("when", "then"), LACKING)
def test_an_optional_rule_rests_without_a_problem(when: str, then: str) -> None:
    then = then.replace("[move", "[{move").replace("port]", "port}]")
    loaded = load(rule(when, then, ", optional: true"))
    assert loaded.problems == ()
    (rests,) = loaded.rules.resting
    assert rests.allowed
    assert rests.reason.startswith("rests here: ")


def test_an_optional_rule_whose_names_are_there_runs() -> None:
    loaded = load(rule("{department: IT}", more=", optional: true"))
    assert [one.id for one in loaded.rules.rules] == ["other", "well"]
    assert loaded.rules.resting == ()


def test_optional_allows_no_mistake_of_the_file_and_no_doubtful_name() -> None:
    assert load(rule("{departmnt: IT}", more=", optional: true")).broken
    loaded = load(rule("{assignee: Sam Lee}", more=", optional: true"))
    assert [problem.kind for problem in loaded.problems] == ["portal"]
    assert not loaded.rules.resting[0].allowed


def test_a_mistake_of_the_file_stops_everything_and_is_told_with_the_names() -> None:
    loaded = load(rule("{department: Suport, statuss: Open}"))
    assert loaded.broken
    assert len(loaded.problems) == 2


def test_the_crm_being_off_pauses_the_rules_that_need_it() -> None:
    loaded = load(rule("{contact.in_crm: true}"), replace(PORTAL, crm=False))
    assert not loaded.broken
    assert [one.id for one in loaded.rules.resting] == ["other"]


def test_the_stop_of_a_rule_that_rests_is_said_to_be_off() -> None:
    loaded = load(rule("{department: Suport}", more=", stop: true"))
    assert "its `stop` does not hold" in loaded.rules.resting[0].reason


NAMES = (
    "{names: {IT: [Informatique], In Progress: [In Bearbeitung, En cours], Email: [Courriel], "
    "Overdue: [En retard], Closed: [Fermé]}}"
)


def test_a_name_is_sought_under_its_other_names_where_the_portal_lacks_it() -> None:
    text = rule(
        "{department: IT, status: [in progress], channel: Email}", "[{set: {status: Overdue}}]"
    )
    assert not load(text, FRENCH, NAMES).problems
    assert len(load(text, FRENCH).problems) == 4
    remarks = [one.what for one in load(text, FRENCH, NAMES).remarks]
    assert "'in progress' is called 'En cours' in this portal" in remarks
    assert len(remarks) == 4


def test_the_name_itself_wins_where_the_portal_knows_it() -> None:
    both = replace(FRENCH, statuses={**FRENCH.statuses, "In Progress": "Open"})
    loaded = load(rule("{status: In Progress}"), both, NAMES)
    (compare,) = compares(loaded.rules.rules[0].when)
    assert compare.values == ("in progress",)
    assert not loaded.remarks


def test_examples_speak_by_the_rule_s_own_names() -> None:
    text = (
        "  - id: other\n    when: {department: IT, status: In Progress}\n"
        "    then: [{set: {status: Overdue}}, {move: Support}]\n    examples:\n"
        "      - {given: {department: IT, status: In Progress}, "
        "expect: {status: Overdue, department: Support}}\n"
        "      - {given: {department: Support, status: In Progress}, expect: nothing}\n"
        "  - id: closes\n    when: {department: IT}\n    then: [{close: {}}]\n    examples:\n"
        "      - {given: {department: IT}, expect: {status: Closed}}\n"
    )
    for portal in (FRENCH, replace(PORTAL, statuses={**PORTAL.statuses, "Overdue": "Open"})):
        for settings in (NAMES, NAMES.replace(", Closed: [Fermé]", "")):
            loaded = load(text, portal, settings)
            assert loaded.problems == ()
            assert run_examples(loaded.rules, portal, duck(), NOW) == ()


def test_options_of_pick_lists_of_other_modules_are_names_too() -> None:
    ward = CustomField("Ward", "picklist", ("North", "South"))
    portal = replace(PORTAL, crm_contact_fields=(ward, CustomField("Free", "text", ("x",))))
    (problem,) = load(rule("{crm.contact.cf.Ward: Nort}"), portal).problems
    assert "did you mean North?" in problem.hint
    assert not load(rule("{crm.contact.cf.Free: Nort}"), portal).problems
    assert not load(rule("{crm.contact.cf.Ward: {contains: Nort}}"), portal).problems
