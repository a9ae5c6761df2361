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


HOURS = "{department: Support, customer_replied: {older_than: 4 business hours}}"
PLAIN_HOURS = "{department: Support, customer_replied: {older_than: 4h}}"
CALENDARS = "{calendars: {office: {timezone: UTC, hours: always}}, departments: {Suport: %s}}"


@pytest.mark.parametrize(
    ("when", "then"),
    [
        (HOURS, "[spam]"),
        ("{none: [{any: [{due: {before: in 1 business day}}]}]}", "[spam]"),
        ("{priority: Low}", "[{set: {due: in 1 business day}}]"),
        (
            "{priority: Low}",
            "[{set: {due: {lookup: priority, in: {Low: in 1 business day}}}}]",
        ),
    ],
)
def test_a_calendar_of_an_unknown_department_pauses_the_rules_that_count_business_time(
    when: str, then: str
) -> None:
    loaded = load(rule(when, then), settings=CALENDARS % "office")
    assert not loaded.broken
    assert [one.id for one in loaded.rules.rules] == ["well"]
    (rests,) = loaded.rules.resting
    assert (rests.id, rests.allowed) == ("other", False)
    assert rests.reason.startswith("no department 'Suport' in the portal (r.yaml:2:")
    assert "did you mean Support" in rests.reason
    (problem,) = loaded.problems
    assert (problem.what, problem.rule) == ("no department 'Suport' in the portal", "")


def test_rules_of_plain_time_go_on_beside_such_a_calendar() -> None:
    loaded = load(rule(PLAIN_HOURS), settings=CALENDARS % "office")
    assert [one.id for one in loaded.rules.rules] == ["other", "well"]
    assert loaded.rules.resting == ()
    assert len(loaded.problems) == 1  # nothing needs it, and it is misspelt all the same


def test_a_calendar_may_lack_its_department_where_each_rule_that_needs_it_may_rest() -> None:
    settings, optional = CALENDARS % "office", ", optional: true"
    loaded = load(rule(HOURS, more=optional), settings=settings)
    assert loaded.problems == ()
    assert loaded.rules.resting[0].reason.startswith("rests here: no department 'Suport'")
    strict = rule(HOURS).replace("id: other", "id: strict")
    loaded = load(rule(HOURS, more=optional) + strict, settings=settings)
    assert [one.what for one in loaded.problems] == ["no department 'Suport' in the portal"]
    assert {one.id: one.allowed for one in loaded.rules.resting} == {"other": True, "strict": False}


def test_a_department_of_a_calendar_may_itself_be_optional() -> None:
    loaded = load(rule(HOURS), settings=CALENDARS % "{calendar: office, optional: true}")
    assert loaded.problems == ()
    assert [one.id for one in loaded.rules.rules] == ["other", "well"]
    (remark,) = loaded.remarks
    assert remark.what == "no department 'Suport' in the portal: its calendar is not used"
    known = CALENDARS.replace("Suport", "Support") % "{calendar: office, optional: true}"
    assert list(load(rule(HOURS), settings=known).rules.calendars.departments) == ["support"]
    assert not load(rule(HOURS), settings=known).remarks


@pytest.mark.parametrize(
    "use", ["{optional: true}", "{calendar: offce}", "{calender: office}", "[office]", "true"]
)
def test_a_calendar_of_a_department_is_named_right(use: str) -> None:
    assert load(rule(HOURS), settings=(CALENDARS % use).replace("Suport", "Support")).broken


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
