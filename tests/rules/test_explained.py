"""A condition taken apart: its parts tell the truth of the whole, for any condition and record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rules.oracle.bench import PORTAL, example
from tests.rules.oracle.draw import LISTS, NOW, Case, cases
from tests.rules.oracle.spelling import rules_file
from tests.rules.world import duck
from zdsync.rules import RuleFile, compile_rule, load_rules
from zdsync.rules.examples import _relation
from zdsync.rules.explained import Part, take_apart, walk
from zdsync.rules.folding import needle, searchable, word
from zdsync.rules.hits import around
from zdsync.rules.now import Now
from zdsync.sql import Sql, join

quick = settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
QUERY = duck()


HANGS = (
    "tags_current",
    "knows_closed_by",
    "knows_direction",
    "knows_since",
    "knows_outbound",
    "knows_inbound",
)
KNOWS = ", ".join(f"known AS {name}" for name in (*HANGS, "knows_attempts"))


def answers(case: Case, *, known: bool) -> Iterator[tuple[Part, list[bool | None], bool]]:
    """The tree, the truth of each part from the top, and what the plan's own WHERE says."""
    portal = PORTAL if case.declared else None
    loaded = load_rules(rules_file(case.conditions, LISTS), "r.yaml", portal)
    assert not loaded.problems, loaded.problems
    for rule in loaded.rules.rules:
        compiled = compile_rule(rule, loaded.rules, portal, NOW)
        tree = take_apart(rule.when, Now(NOW))
        columns = join(", ", [compiled.where, *(part.holds for part in walk(tree))])
        ground = _relation(compiled, [example(record, portal) for record in case.records])
        more = Sql(f"(SELECT t.*, {KNOWS}, row_seen_at FROM (SELECT CAST(? AS BOOLEAN) AS known,")
        seen = Sql("CAST(? AS TIMESTAMP) AS row_seen_at),", (NOW.replace(tzinfo=None),))
        source = [Sql(more.text, (known,)), seen, ground, Sql(") AS t")]
        for row in QUERY(join(" ", [Sql("SELECT"), columns, Sql("FROM"), *source])):
            yield tree, list(row[1:]), row[0]


def follows(part: Part, truths: list[bool | None]) -> bool | None:
    """What a part must be by what its leaves are (Kleene's three values)."""
    own = truths.pop(0)
    if not part.parts:
        return own
    inner = [follows(one, truths) for one in part.parts]
    if part.kind == "score":
        due = _score(part, inner)
    else:
        known = all(inner) if part.kind == "all" else any(inner)
        decided = (False in inner) if part.kind == "all" else (True in inner)
        due = known if decided or None not in inner else None
        due = (not due if due is not None else None) if part.kind == "none" else due
    assert own is due, (part.text, inner, own)
    return own


def _score(part: Part, inner: list[bool | None]) -> bool | None:
    assert part.at_least is not None
    points = [one.points or 0 for one in part.parts]
    sure = sum(have for have, holds in zip(points, inner, strict=True) if holds)
    open_ = [have for have, holds in zip(points, inner, strict=True) if holds is None]
    high = sure + sum(one for one in open_ if one > 0)
    low = sure + sum(one for one in open_ if one < 0)
    least = part.at_least - 1e-9  # 0.1 + 0.7 is less than 0.8 in binary
    if low >= least:
        return True
    return False if high < least else None


@quick
@given(cases(records=4), st.booleans())
def test_the_root_of_the_tree_is_the_where_of_the_plan(case: Case, known: bool) -> None:
    for tree, truths, where in answers(case, known=known):
        assert truths[0] is where or (truths[0] is None and not known), tree.text


@quick
@given(cases(records=4), st.booleans())
def test_a_group_follows_from_its_leaves(case: Case, known: bool) -> None:
    for tree, truths, _ in answers(case, known=known):
        follows(tree, truths)
        assert not truths


def load(condition: Any) -> RuleFile:
    loaded = load_rules(rules_file([condition], {}), "r.yaml")
    assert not loaded.problems, loaded.problems
    return loaded.rules


def the_leaf(condition: Any, record: dict[str, Any]) -> tuple[Part, dict[str, Any]]:
    file = load(condition)
    rule = file.rules[0]
    compiled = compile_rule(rule, file, None, NOW)
    leaf = take_apart(rule.when, Now(NOW))
    assert leaf.questions is not None
    ground = _relation(compiled, [example(record, None)])
    asked = join(", ", leaf.questions.all)
    row = QUERY(join(" ", [Sql("SELECT"), asked, Sql("FROM"), ground]))[0]
    names = ("value", "raw", "other", "meant", "words", "marked")
    return leaf, dict(zip(names, row, strict=True))


def test_a_comparison_tells_the_value_that_it_saw_and_the_instant_that_a_duration_means() -> None:
    leaf, seen = the_leaf({"created": {"older_than": "48h"}}, {"created": NOW})
    assert leaf.text == "created older_than 48h"
    assert seen["value"] == NOW.replace(tzinfo=None)
    assert seen["meant"] == [(NOW - timedelta(hours=48)).replace(tzinfo=None)]


def test_a_comparison_of_two_fields_tells_both_values() -> None:
    leaf, seen = the_leaf({"email": {"field": "contact.name"}}, {"email": "a", "contact.name": "b"})
    assert leaf.two_fields
    assert (seen["value"], seen["other"]) == ("a", "b")


def test_what_cannot_be_read_as_the_condition_wants_is_shown_as_it_stands() -> None:
    _, seen = the_leaf({"cf.cf_note": {"gt": 3}}, {"cf.cf_note": "many"})
    assert (seen["value"], seen["raw"]) == (None, "many")


def test_the_words_that_were_found_are_those_that_the_condition_found() -> None:
    words = ["seo ranking*", "ranking", "rankings", "refund"]
    record = {"subject": "SEO", "description": "Seo <b>Rankings</b> are down"}
    _, seen = the_leaf({"description": {"contains_any": words}}, record)
    assert seen["words"] == ["seo ranking*", "rankings"]
    _, seen = the_leaf({"text": {"matches": "(?i)r[a-z]+s"}}, record)
    assert seen["words"] == ["Rankings"]


def test_words_are_shown_within_their_text_in_its_own_letters() -> None:
    raw = "<p>Dear team,</p> your SEO&nbsp;Rankings could be so much better than they are today"
    assert around(raw, searchable(raw), [word("seo ranking*")]) == (
        "Dear team, your [SEO Ranking]s could be so much…"
    )
    folded = "Ça va? Die Straße ist gesperrt"
    assert around(folded, searchable(folded), [word("STRASSE")]) == (
        "ca va? die [strasse] ist gesperrt"
    )


def test_a_word_within_another_is_not_the_word_that_was_found() -> None:
    raw = "the museum sells seo"
    assert around(raw, searchable(raw), ["seo"]) == "the museum sells [seo]"


@quick
@given(st.text(max_size=200), st.text(min_size=1, max_size=8))
def test_around_shows_each_word_whole_or_nothing(raw: str, sought: str) -> None:
    folded = word(sought)
    marked = searchable(raw)
    if not folded.strip("*") or needle(folded) not in marked:
        return
    assert "[" in around(raw, marked, [folded])
