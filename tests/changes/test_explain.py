"""Explaining one ticket: the plan's own changes, and a reason for each that did not come."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.changes.world import NOW, PORTAL, Mirror, ticket
from zdsync.changes.evaluate import evaluate
from zdsync.changes.explain import explain, find_ticket
from zdsync.changes.explain_view import explain_view
from zdsync.changes.explanation import Explained, Explanation, explanation_document
from zdsync.changes.plan import Plan
from zdsync.errors import Misconfigured
from zdsync.model import Row
from zdsync.rules import CompiledRule, Rule, compile_rule, load_rules
from zdsync.rules.now import Now

Rules = list[tuple[Rule, CompiledRule]]
TAXONOMIES = {"area": {"Billing": ["invoice", "refund*"], "Chat": ["livechat"]}}


def read(*rules: dict[str, Any]) -> Rules:
    body = [{"id": f"r{place}", "mode": "apply", **rule} for place, rule in enumerate(rules)]
    text = json.dumps({"version": 1, "taxonomies": TAXONOMIES, "rules": body})
    loaded = load_rules(text, "rules.yaml", PORTAL)
    assert not loaded.problems, loaded.problems
    return [(one, compile_rule(one, loaded.rules, PORTAL, NOW)) for one in loaded.rules.rules]


def plan_of(mirror: Mirror, rules: Rules, only: str | None = None) -> Plan:
    compiled = [one for _, one in rules]
    asked = {"as_of": NOW, "rules_digest": "rules", "ticket": only}
    return evaluate(mirror, compiled, PORTAL, **asked).plan()  # type: ignore[arg-type]


def explained(
    row: Row, *rules: dict[str, Any], unready: dict[str, str] | None = None
) -> Explanation:
    mirror, read_rules = Mirror([row]), read(*rules)
    return of(mirror, read_rules, row["ticket_id"], unready)


PAUSED = {"paused": "it is paused"}


def of(
    mirror: Mirror, rules: Rules, ticket_id: str, unready: dict[str, str] | None = None
) -> Explanation:
    evaluation = evaluate(
        mirror,
        [one for _, one in rules],
        PORTAL,
        as_of=NOW,
        rules_digest="rules",
        unready=unready,
        ticket=ticket_id,
    )
    plan = evaluation.plan()
    return explain(
        mirror, rules, evaluation, plan, now=Now(NOW), ticket_id=ticket_id, paused=PAUSED
    )


def only(found: Explanation) -> Explained:
    (one,) = found.rules
    return one


def fates(one: Explained) -> list[tuple[str, str]]:
    return [(fate.kind, fate.field) for fate in one.fates]


# -- the law -------------------------------------------------------------------------------------

leaves = st.sampled_from(
    (
        {"priority": "High"},
        {"priority": {"known": False}},
        {"subject": {"contains_any": ["refund", "livechat"]}},
        {"tags": {"has": "bug"}},
        {"tags": {"known": False}},
        {"department": "Support"},
        {"created": {"older_than": "7d"}},
        {"contact.owner": {"known": True}},
    )
)
conditions = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, parts: {kind: parts},
        st.sampled_from(("all", "any", "none")),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=4,
)
actions = st.sampled_from(
    (
        {"set": {"priority": "High"}},
        {"set": {"priority": {"lookup": "subject", "in": {"refund": "Low"}, "never_lower": True}}},
        {"set": {"category": {"field": "contact.owner"}}},
        {"tag": ["bug"]},
        {"tag": {"remove": ["bug"]}},
        {"tag": {"from": "area", "search": ["subject"]}},
        {"assign": {"field": "contact.owner", "else": "Bo"}},
        {"assign": "nobody"},
        {"move": "IT"},
        {"close": {"outcome": "Spam"}},
        "spam",
    )
)
rules = st.lists(
    st.fixed_dictionaries(
        {
            "mode": st.sampled_from(("apply", "apply", "plan", "off")),
            "scope": st.sampled_from(("open", "all")),
            "stop": st.booleans(),
            "when": conditions,
            "then": st.lists(actions, min_size=1, max_size=2),
        }
    ),
    min_size=1,
    max_size=4,
)
rows = st.fixed_dictionaries(
    {
        "priority": st.sampled_from((None, "High", "Low")),
        "subject": st.sampled_from((None, "refund", "a livechat refund", "hello")),
        "tags": st.sampled_from((None, [], ["bug"])),
        "status": st.sampled_from(("Open", "Done")),
        "presence": st.sampled_from(("live", "live", "live", "spam")),
        "department_id": st.sampled_from(("d1", "d2")),
        "assignee_id": st.sampled_from((None, "a1", "a4")),
        "contact_owner": st.sampled_from((None, "bo@clinic.example", "nobody@x.example")),
    }
)


@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(rules, rows)
def test_what_explain_calls_changes_are_the_changes_of_the_plan(
    some: list[dict[str, Any]], cells: dict[str, Any]
) -> None:
    cells = {**cells, "status_type": PORTAL.statuses[cells["status"]]}
    mirror = Mirror([ticket(1, **cells), ticket(2, subject="refund")])
    read_rules = read(*some)
    found = of(mirror, read_rules, "T1")
    whole = [one for one in plan_of(mirror, read_rules).changes if one.ticket_id == "T1"]
    assert [one for rule in found.rules for one in rule.changes] == whole
    ground = evaluate(
        mirror, [one for _, one in read_rules], PORTAL, as_of=NOW, rules_digest="", ticket="T1"
    ).ground
    hit = {one.rule.id for one in ground.matches if one.rows}
    for one in found.rules:
        assert one.rule not in hit or one.matched is True
        looked_at = one.matched is True and not one.why_not
        assert looked_at <= (one.rule in hit)
        assert bool(one.fates) <= (one.rule in hit)
        assert not (looked_at and not one.fates), one
        wishes = {fate.field for fate in one.fates if fate.kind in ("written", "shown", "left")}
        assert wishes == {change.field for change in one.changes}


# -- why a change did not come -------------------------------------------------------------------

REPLY = {"template": "Hello", "from": "support@clinic.example"}
HIGH = {"set": {"priority": "High"}}
SUPPORT = {"department": "Support"}


def test_it_is_right_already() -> None:
    found = explained(ticket(1, priority="High"), {"when": SUPPORT, "then": [HIGH]})
    assert fates(only(found)) == [("right", "priority")]
    assert only(found).matched is True
    assert not only(found).why_not


def test_never_lower_keeps_a_higher_value_and_says_so() -> None:
    lookup = {"lookup": "subject", "in": {"refund": "Low"}, "never_lower": True}
    rule = {"when": SUPPORT, "then": [{"set": {"priority": lookup}}]}
    (fate,) = only(explained(ticket(1, priority="High", subject="Refund"), rule)).fates
    assert (fate.kind, fate.after) == ("right", "High")
    assert "Low would be lower" in fate.reason


def test_a_rule_above_decides_and_is_named() -> None:
    low = {"set": {"priority": "Low"}}
    found = explained(
        ticket(1),
        {"id": "first", "when": SUPPORT, "then": [HIGH]},
        {"id": "same", "when": SUPPORT, "then": [HIGH]},
        {"id": "other", "when": SUPPORT, "then": [low]},
    )
    assert [fates(one) for one in found.rules] == [
        [("written", "priority")],
        [("agreed", "priority")],
        [("shadowed", "priority")],
    ]
    assert "first, above" in found.rules[2].fates[0].reason


def test_a_choice_that_nobody_fits_is_unresolved_with_the_reason() -> None:
    rule = {"when": SUPPORT, "then": [{"assign": {"field": "contact.owner"}}]}
    one = only(explained(ticket(1, contact_owner="off@clinic.example"), rule))
    assert fates(one) == [("unresolved", "")]
    assert "not an active agent" in one.fates[0].reason
    assert one.takes == (("contact.owner", "off@clinic.example"),)


def test_an_empty_key_a_miss_and_a_text_without_the_words_ask_for_nothing() -> None:
    lookup = {"set": {"priority": {"lookup": "contact.owner", "in": {"a": "Low"}}}}
    copied = {"set": {"category": {"field": "channel"}}}
    tags = {"tag": {"from": "area", "search": ["subject"]}}
    rule = {"when": SUPPORT, "then": [lookup, copied, tags]}
    told = [one.reason for one in only(explained(ticket(1, contact_owner="b"), rule)).fates]
    assert told == ["the table has no b", "channel is empty", "no word of area in the text"]
    told = [one.reason for one in only(explained(ticket(1), rule)).fates]
    assert told[0] == "contact.owner is empty"


def test_a_rule_in_mode_plan_is_shown_and_one_in_mode_off_rests() -> None:
    shown, rests = explained(
        ticket(1),
        {"mode": "plan", "when": SUPPORT, "then": [HIGH]},
        {"mode": "off", "when": SUPPORT, "then": [HIGH]},
    ).rules
    assert fates(shown) == [("shown", "priority")]
    assert rests.why_not == ("its mode is off",)
    assert (rests.matched, rests.fates, rests.changes) == (True, (), ())


def test_the_end_of_the_list_names_the_rule_that_ended_it() -> None:
    _, second = explained(
        ticket(1),
        {"id": "last-word", "stop": True, "when": SUPPORT, "then": [{"tag": ["x1y"]}]},
        {"when": SUPPORT, "then": [HIGH]},
    ).rules
    assert "last-word" in second.why_not[0]
    assert (second.matched, second.fates) == (True, ())


def test_a_rule_whose_streams_are_too_old_is_skipped_with_the_reason() -> None:
    one = only(
        explained(ticket(1), {"when": SUPPORT, "then": [HIGH]}, unready={"desk.tickets": "too old"})
    )
    assert one.why_not == ("it is skipped: too old",)


@pytest.mark.parametrize("cells", [{"tags": None}, {"tags": ["old"], "tags_current": False}])
def test_what_must_be_read_first_is_unknown_and_says_what(cells: dict[str, Any]) -> None:
    one = only(explained(ticket(1, **cells), {"when": {"tags": {"has": "x"}}, "then": [HIGH]}))
    assert one.matched is None
    (part,) = one.conditions
    assert (part.holds, part.unread, part.value) == (None, ("tags",), None)
    assert "not read" in one.why_not[0]


def test_tags_that_are_not_read_are_left_alone_and_the_fate_says_so() -> None:
    one = only(explained(ticket(1, tags=None), {"when": SUPPORT, "then": [{"tag": ["bug"]}]}))
    assert one.matched is True
    assert [(fate.kind, fate.field) for fate in one.fates] == [("idle", "tags")]
    assert "not read" in one.fates[0].reason


def test_an_sql_condition_shows_the_values_of_the_fields_that_it_names() -> None:
    both = "priority = 'High' and (channel = 'Email' or subject like 're%')"
    rule = {"when": {"sql": both}, "then": [{"set": {"category": "x"}}]}
    row = ticket(1, priority="High", subject="refund" * 40)
    found = explained(row, rule)
    (part,) = only(found).conditions
    assert part.holds is True
    assert part.text.startswith("sql priority")
    assert part.value == ("priority: High", "channel: empty", f"subject: {'refund' * 10}")
    assert fates(only(found)) == [("written", "category")]
    assert "priority: High" in drawn(found)


def test_an_sql_condition_on_tags_that_are_not_read_is_open() -> None:
    rule = {"when": {"sql": "priority = 'High' and list_contains(tags, 'x')"}, "then": [HIGH]}
    for cells, holds in (({"priority": "High"}, None), ({"priority": "Low"}, False)):
        one = only(explained(ticket(1, tags=None, **cells), rule))
        assert one.matched is holds
        assert one.conditions[0].unread == (("tags",) if holds is None else ())


def test_what_would_be_said_is_shown_and_what_was_said_is_named() -> None:
    rule = {"when": SUPPORT, "then": [{"comment": "Ticket {{ ticket.number }} waits."}]}
    found = explained(ticket(1), rule)
    assert fates(only(found)) == [("written", "comment")]
    assert only(found).fates[0].text == "Ticket 1 waits."
    assert "comment: Ticket 1 waits." in drawn(found)
    assert "waits" not in json.dumps(explanation_document(found)["rules"][0]["changes"])
    twice = explained(ticket(1), {"when": SUPPORT, "then": [*rule["then"], {"reply": REPLY}]})
    assert ("idle", "reply") in fates(only(twice))
    assert "replies are off" in next(one.reason for one in only(twice).fates if one.kind == "idle")


def test_what_the_service_leaves_to_a_person_is_said() -> None:
    one = only(explained(ticket(1), {"id": "paused", "when": SUPPORT, "then": ["spam"]}))
    assert fates(one) == [("left", "spam")]
    assert one.fates[0].reason == "not by the service: it is paused"
    assert fates(only(explained(ticket(1), {"when": SUPPORT, "then": ["spam"]}))) == [
        ("written", "spam")
    ]


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"presence": "spam"}, "marked as spam"),
        ({"presence": "trashed"}, "recycle bin"),
        ({"presence": "archived"}, "archived"),
        ({"presence": "gone"}, "gone from Zoho"),
        ({"is_emptied": True}, "emptied"),
        ({"status": "Done", "status_type": "Closed"}, "closed"),
    ],
)
def test_a_ticket_that_no_rule_looks_at_is_explained_with_that_first(
    cells: dict[str, Any], why: str
) -> None:
    found = explained(ticket(1, **cells), {"when": SUPPORT, "then": [HIGH]})
    assert why in found.ignored[0]
    one = only(found)
    assert (one.matched, one.changes, one.fates) == (True, (), ())
    assert one.why_not
    assert why in drawn(found).splitlines()[2]


def test_a_closed_ticket_names_the_rules_that_look_at_it() -> None:
    row = ticket(1, status="Done", status_type="Closed")
    found = explained(
        row,
        {"id": "narrow", "when": SUPPORT, "then": [HIGH]},
        {"id": "wide", "scope": "all", "when": SUPPORT, "then": [HIGH]},
    )
    assert found.ignored[0].endswith("wide.")
    assert [len(one.changes) for one in found.rules] == [0, 1]


def test_a_ticket_is_found_by_number_or_id_and_a_stranger_is_refused() -> None:
    mirror = Mirror([ticket(1), ticket(12, presence="trashed")])
    assert find_ticket(mirror, "12") == find_ticket(mirror, "T12") == "T12"
    with pytest.raises(Misconfigured, match="no ticket 99"):
        find_ticket(mirror, "99")


# -- what is shown -------------------------------------------------------------------------------


def drawn(found: Explanation, width: int = 80, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, errors="strict", newline="\n")
    Console(file=file, width=width, color_system=None).print(explain_view(found))
    file.flush()
    return raw.getvalue().decode(encoding)


SCORE = {
    "score": {
        "at_least": 3,
        "of": [
            {"points": 2, "when": {"text": {"contains_any": ["refund", "seo ranking"]}}},
            {
                "points": 1,
                "when": {"any": [{"email": {"ends_with": [".top"]}}, {"priority": None}]},
            },
            {"points": 1, "when": {"tags": {"has": "bug"}}},
        ],
    }
}


def test_a_score_shows_points_sum_and_nested_groups_as_a_tree() -> None:
    body = "Dear team, " + "x " * 300 + "give us a refund today please, and soon" + " y" * 300
    row = ticket(1, description=body, email="a@b.example", priority="Low")
    found = explained(row, {"when": SCORE, "then": [HIGH]})
    (score,) = only(found).conditions
    assert (score.holds, score.sum, score.at_least) == (False, 2, 3)
    assert [part.points for part in score.parts] == [2, 1, 1]
    text = drawn(found)
    assert "[refund]" in text
    assert "x x x x x x x x x x x x x x x" not in text
    tree = [line for line in text.splitlines() if line.startswith("  ")]
    assert any(line.startswith("  ├ ✓ +2 text contains_any") for line in tree)
    assert any(line.startswith("  │ ├ ✗ email ends_with") for line in tree)
    assert any(line.startswith("  └ ✗ +1 tags has bug") for line in tree)


def test_a_score_that_is_open_says_what_it_may_come_to() -> None:
    found = explained(
        ticket(1, description="refund", tags=None, priority="Low"), {"when": SCORE, "then": [HIGH]}
    )
    (score,) = only(found).conditions
    assert (score.holds, score.sum, score.most) == (None, 2, 3)
    assert "2 points, 3 at most" in drawn(found)


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_nothing_is_cut(width: int) -> None:
    row = ticket(1, description="refund " * 40, subject="x" * 300, email="処方箋" * 30)
    found = explained(row, {"why": "w " * 80, "when": SCORE, "then": [HIGH]})
    lines = drawn(found, width).splitlines()
    assert all(len(line) <= width for line in lines)
    assert "+1 tags has bug" in " ".join(lines)


def test_a_terminal_without_unicode_gets_words() -> None:
    found = explained(ticket(1, priority="Low"), {"when": SCORE, "then": [HIGH]})
    text = drawn(found, encoding="ascii")
    assert "no  r0 (apply)" in text or "no r0 (apply)" in text
    assert "`-no" in text


NASTY = "\x1b[2J\x1b]0;pwned\x07 [bold]x[/bold] \u202etxt.exe\u2028\x9b31m refund"


def test_nothing_that_steers_a_terminal_passes() -> None:
    row = ticket(
        1, subject=NASTY, description=NASTY, priority=NASTY, status=NASTY, email=NASTY,
        tags=[NASTY], contact_owner=NASTY,
    )  # fmt: skip
    asks = {"all": [SCORE, {"subject": {"known": True}}, {"contact.owner": {"contains": "refund"}}]}
    rule = {
        "why": NASTY,
        "when": {"any": [asks, SUPPORT]},
        "then": [{"assign": {"field": "contact.owner"}}, HIGH],
    }
    found = explained(row, rule)
    for text in (drawn(found, 200), json.dumps(explanation_document(found), ensure_ascii=False)):
        assert not set(text) & set("\x1b\x07\u202e\u2028\x9b")
    assert "[bold]" in drawn(found, 200)


def test_the_document_has_the_promised_keys() -> None:
    found = explained(ticket(1), {"when": {"all": [SUPPORT, SCORE]}, "then": [HIGH]})
    document = explanation_document(found)
    assert json.loads(json.dumps(document)) == document
    assert {"ticket_id", "as_of", "rules"} <= set(document)
    (one,) = document["rules"]
    assert {"rule", "matched", "conditions", "changes"} <= set(one)
    assert all({"text", "value", "holds"} <= set(part) for part in one["conditions"])
    assert one["conditions"][0] == {
        "text": "department is Support", "value": "Support", "holds": True, "kind": "test",
        "asked": ["support"],
    }  # fmt: skip
    assert len(one["conditions"][1]["conditions"]) == 3
