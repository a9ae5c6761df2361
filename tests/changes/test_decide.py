"""How rules meet (rules-language.md), over a small desk."""

from __future__ import annotations

from dataclasses import replace

from tests.changes.world import IT, PORTAL, Mirror, brief, planned, rule, ticket
from zdsync.model import Named
from zdsync.rules.compiled import (
    AgentChoice,
    Assign,
    Close,
    Const,
    FieldChoice,
    FieldValue,
    Move,
    Nobody,
    SetField,
    Spam,
    Tags,
    TaxonomyTags,
    TeamChoice,
)
from zdsync.rules.fields import FIELDS
from zdsync.sql import Sql

OWNER = FieldChoice("contact.owner", Sql("t.contact_owner"))
IT_MOVE = Move("IT", Named(IT, "IT"))


def priority(value: str, *, never_lower: bool = False) -> SetField:
    return SetField("priority", Const(value), Sql("?", (value,)), Sql("TRUE"), never_lower)


def agent(name: str) -> Assign:
    return Assign((AgentChoice(name, None),))


def test_first_rule_that_decides_wins_and_the_later_one_is_shadowed() -> None:
    plan = planned(Mirror([ticket(1)]), rule("one", priority("High")), rule("two", priority("Low")))
    assert brief(plan) == [("T1", "priority", None, "High")]
    assert [(s.rule, s.by, s.value) for s in plan.shadowed] == [("two", "one", "Low")]


def test_a_rule_decides_even_where_the_value_is_already_right() -> None:
    mirror = Mirror([ticket(1, priority="High")])
    plan = planned(mirror, rule("one", priority("High")), rule("two", priority("Low")))
    assert plan.changes == ()
    assert [s.rule for s in plan.shadowed] == ["two"]


def test_two_rules_that_agree_shadow_nothing() -> None:
    plan = planned(Mirror([ticket(1)]), rule("one", priority("Low")), rule("two", priority("Low")))
    assert len(plan.changes) == 1
    assert plan.shadowed == ()


def test_a_rule_in_mode_plan_is_shown_and_never_shadows_stops_or_counts() -> None:
    shown = rule("shown", priority("Low"), mode="plan", stop=True)
    plan = planned(Mirror([ticket(1)]), shown, rule("real", priority("High")))
    assert [(one.rule, one.after, one.mode) for one in plan.changes] == [
        ("shown", "Low", "plan"),
        ("real", "High", "apply"),
    ]
    assert plan.shadowed == ()
    assert plan.cost.calls == 2
    assert [one.rule for one in plan.writes] == ["real"]


def test_a_rule_that_is_off_does_nothing() -> None:
    assert planned(Mirror([ticket(1)]), rule("off", priority("Low"), mode="off")).changes == ()


def test_stop_ends_the_list_for_tickets_that_match() -> None:
    mirror = Mirror([ticket(1), ticket(2, priority="Medium")])
    first = rule("first", agent("ana@clinic.example"), where="t.priority IS NULL", stop=True)
    plan = planned(mirror, first, rule("second", priority("Low")))
    assert brief(plan) == [
        ("T1", "assignee", None, "ana@clinic.example"),
        ("T2", "priority", "Medium", "Low"),
    ]


def test_never_lower_keeps_a_higher_and_an_unknown_priority() -> None:
    mirror = Mirror([ticket(1, priority="High"), ticket(2, priority="Urgent!"), ticket(3)])
    plan = planned(mirror, rule("sla", priority("Medium", never_lower=True)))
    assert brief(plan) == [("T3", "priority", None, "Medium")]


def test_a_set_without_a_decision_changes_nothing_and_decides_nothing() -> None:
    wants = SetField(
        "priority",
        FieldValue("account.sla_tier", Sql("t.account_sla_tier")),
        Sql("t.account_sla_tier"),
        Sql("t.account_sla_tier IS NOT NULL"),
    )
    mirror = Mirror([ticket(1), ticket(2, account_sla_tier="High")])
    plan = planned(mirror, rule("tier", wants), rule("rest", priority("Low")))
    assert brief(plan) == [("T2", "priority", None, "High"), ("T1", "priority", None, "Low")]


def test_zohos_none_is_an_empty_value() -> None:
    empties = SetField("category", Const(None), Sql("NULL"), Sql("TRUE"))
    assert planned(Mirror([ticket(1, category="-None-")]), rule("r", empties)).changes == ()


def test_tags_add_up_and_for_one_tag_the_first_rule_wins() -> None:
    found = TaxonomyTags("area", Sql("['billing', 'refund']"), 3)
    plan = planned(
        Mirror([ticket(1, tags=["Old", "Billing"])]),
        rule("one", Tags(add=("refund",), remove=("old",))),
        rule("two", Tags(taxonomy=found)),
        rule("three", Tags(remove=("refund",))),
    )
    assert brief(plan) == [("T1", "tag:old", True, False), ("T1", "tag:refund", False, True)]
    assert [(s.rule, s.field, s.by) for s in plan.shadowed] == [("three", "tag:refund", "one")]


def test_promise_11_no_tag_is_written_before_the_tags_were_read() -> None:
    mirror = Mirror([ticket(1, tags=None, tags_read_at=None), ticket(2)])
    plan = planned(mirror, rule("tagger", Tags(add=("bug",)), priority("Low")))
    assert brief(plan) == [
        ("T1", "priority", None, "Low"),
        ("T2", "priority", None, "Low"),
        ("T2", "tag:bug", False, True),
    ]
    assert plan.needs.tags == ("T1",)
    assert plan.skipped[0].reason.endswith("theirs are not read: 1")


def test_promise_11_a_condition_on_tags_sees_only_tickets_whose_tags_were_read() -> None:
    mirror = Mirror([ticket(1, tags=None, tags_read_at=None), ticket(2)])
    where = "NOT coalesce(list_contains(t.tags, 'x'), false)"
    judge = rule(
        "judge",
        priority("Low"),
        where=where,
        judged=Sql(f"CASE WHEN t.tags_current THEN {where} END"),
        reads=(FIELDS["tags"],),
        reads_tags=True,
    )
    plan = planned(mirror, judge)
    assert brief(plan) == [("T2", "priority", None, "Low")]
    assert plan.needs.tags == ("T1",)


def test_promise_11_a_rule_on_a_stream_that_is_not_fresh_is_skipped_with_the_reason() -> None:
    stale = rule("crm", priority("High"), streams=frozenset({"desk.tickets", "crm.contacts"}))
    plan = planned(
        Mirror([ticket(1)]),
        stale,
        rule("rest", priority("Low")),
        unready={"crm.contacts": "crm.contacts was never fully read"},
    )
    assert brief(plan) == [("T1", "priority", None, "Low")]
    assert [(s.rule, s.reason) for s in plan.skipped] == [
        ("crm", "crm.contacts was never fully read")
    ]


def test_an_owner_becomes_the_agent_behind_him() -> None:
    mirror = Mirror([ticket(1, contact_owner="ana.crm@clinic.example")])
    plan = planned(mirror, rule("owner", Assign((OWNER,))))
    assert brief(plan) == [("T1", "assignee", None, "ana@clinic.example")]
    assert plan.changes[0].wire == {"assigneeId": "a1"}
    assert plan.changes[0].wire_before == {"assigneeId": None}


def test_what_does_not_resolve_tries_else_and_then_is_unresolved_and_decides_nothing() -> None:
    mirror = Mirror(
        [
            ticket(1, contact_owner="gone@clinic.example"),
            ticket(2, contact_owner="off@clinic.example"),
            ticket(3, contact_owner="twin@clinic.example"),
            ticket(4, contact_owner="it@clinic.example"),
        ]
    )
    one = rule("owner", Assign((OWNER,)))
    plan = planned(mirror, one, rule("rest", agent("Bo")))
    assert {change.after for change in plan.changes} == {"bo@clinic.example"}
    assert {u.ticket_id: u.reason for u in plan.unresolved} == {
        "T1": "no Desk agent has the CRM owner's e-mail gone@clinic.example",
        "T2": "off@clinic.example is not an active agent",
        "T3": "two Desk agents have the CRM owner's e-mail twin@clinic.example",
        "T4": "it@clinic.example is no agent of the ticket's department",
    }
    other = planned(mirror, rule("owner", Assign((OWNER, AgentChoice("a2", None)))))
    assert len(other.changes) == 4
    assert other.unresolved == ()


def test_after_a_planned_move_the_agent_must_be_of_the_new_department() -> None:
    mirror = Mirror([ticket(1)])
    plan = planned(mirror, rule("give", agent("it@clinic.example")), rule("move", IT_MOVE))
    assert brief(plan) == [
        ("T1", "assignee", None, "it@clinic.example"),
        ("T1", "department", "Support", "IT"),
    ]
    back = planned(mirror, rule("give", agent("ana@clinic.example")), rule("move", IT_MOVE))
    assert [one.field for one in back.changes] == ["department"]
    assert len(back.unresolved) == 1


def test_a_move_in_mode_plan_does_not_count_for_rules_in_mode_apply() -> None:
    shown = rule("move", IT_MOVE, mode="plan")
    plan = planned(Mirror([ticket(1)]), shown, rule("give", agent("ana@clinic.example")))
    assert [(one.field, one.mode) for one in plan.changes] == [
        ("department", "plan"),
        ("assignee", "apply"),
    ]


def test_a_move_to_the_present_or_a_disabled_department_changes_nothing() -> None:
    plan = planned(Mirror([ticket(1, department_id=IT)]), rule("move", IT_MOVE))
    assert plan.changes == ()
    old = planned(Mirror([ticket(1)]), rule("move", Move("Old", None)))
    assert (old.changes, old.unresolved[0].reason) == ((), "department Old is disabled")


def test_a_team_fills_only_an_empty_assignee_with_the_least_busy_active_member() -> None:
    mirror = Mirror(
        [ticket(1), ticket(2), ticket(3), ticket(4, assignee_id="a1"), ticket(5, assignee_id="a5")]
    )
    plan = planned(mirror, rule("team", Assign((TeamChoice("Front Desk", None),))))
    given = {one.ticket_id: one.after for one in plan.changes if one.field == "assignee"}
    assert given == {
        "T1": "bo@clinic.example",
        "T2": "ana@clinic.example",
        "T3": "bo@clinic.example",
    }
    assert {one.after for one in plan.changes if one.field == "team"} == {"Front Desk"}


def test_a_team_without_an_active_member_sets_nothing_and_says_so() -> None:
    plan = planned(Mirror([ticket(1)]), rule("team", Assign((TeamChoice("Empty", None),))))
    assert plan.changes == ()
    assert [one.reason for one in plan.unresolved] == [
        "Empty has no active agent of the ticket's department"
    ]


def test_nobody_empties_the_assignee() -> None:
    plan = planned(Mirror([ticket(1, assignee_id="a1")]), rule("r", Assign((Nobody(),))))
    assert brief(plan) == [("T1", "assignee", "ana@clinic.example", None)]


def test_close_sets_the_portals_closed_status_and_the_outcome() -> None:
    plan = planned(Mirror([ticket(1)]), rule("spam", Close("Spam", None, False), Spam()))
    assert brief(plan) == [
        ("T1", "cf.cf_outcome", None, "Spam"),
        ("T1", "spam", False, True),
        ("T1", "status", "Open", "Closed"),
    ]
    assert [one.notify for one in plan.changes if one.field == "status"] == [False]
    first = replace(PORTAL, statuses={"Open": "Open", "Fertig": "Closed"})
    other = planned(Mirror([ticket(1)]), rule("r", Close(None, None)), portal=first)
    assert brief(other) == [("T1", "status", "Open", "Fertig")]


def test_a_close_that_is_shadowed_sets_no_outcome() -> None:
    status = SetField("status", Const("Waiting"), Sql("'Waiting'"), Sql("TRUE"))
    plan = planned(Mirror([ticket(1)]), rule("wait", status), rule("close", Close("Done", None)))
    assert brief(plan) == [("T1", "status", "Open", "Waiting")]


def test_closing_a_closed_ticket_changes_nothing() -> None:
    mirror = Mirror([ticket(1, status="Done", status_type="Closed")])
    assert planned(mirror, rule("r", Close("X", None), scope="all")).changes == ()


def test_only_a_rule_with_scope_all_sees_closed_tickets_and_none_sees_spam() -> None:
    mirror = Mirror(
        [
            ticket(1),
            ticket(2, status="Done", status_type="Closed"),
            ticket(3, presence="spam"),
            ticket(9, is_emptied=True),
            ticket(4, presence="archived", status="Done", status_type="Closed"),
        ]
    )
    wide = rule("wide", SetField("category", Const("C"), Sql("'C'"), Sql("TRUE")), scope="all")
    plan = planned(mirror, wide, rule("narrow", priority("Low")))
    assert brief(plan) == [
        ("T1", "category", None, "C"),
        ("T2", "category", None, "C"),
        ("T1", "priority", None, "Low"),
    ]


def test_a_paused_rule_keeps_its_fields_and_changes_nothing() -> None:
    from tests.changes.world import evaluated

    found = evaluated(Mirror([ticket(1)]), rule("a", priority("Low")), rule("b", priority("High")))
    plan = found.plan(frozenset({"a"}))
    assert plan.changes == ()
    assert [s.rule for s in plan.shadowed] == ["b"]


def test_a_custom_field_is_compared_as_its_value_means() -> None:
    def number(value: float) -> SetField:
        return SetField("cf.cf_n", Const(value), Sql("NULL"), Sql("TRUE"))

    mirror = Mirror([ticket(1, cf={"cf_n": "5.00"}), ticket(2, cf={"cf_n": "6"})])
    plan = planned(mirror, rule("r", number(5.0)))
    assert brief(plan) == [("T2", "cf.cf_n", "6", 5.0)]
    assert plan.changes[0].wire == {"cf": {"cf_n": 5.0}}


def test_one_ticket_may_be_asked_for_alone_by_id_or_number() -> None:
    mirror = Mirror([ticket(1), ticket(2)])
    for name in ("T2", "2"):
        plan = planned(mirror, rule("r", priority("Low")), ticket=name)
        assert [one.ticket_id for one in plan.changes] == ["T2"]
