"""`sql:` conditions: what they may say, that they fail nothing, and that nothing gets past them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.world import NOW, PORTAL, duck
from zdsync.rules import load_rules, run_examples
from zdsync.rules.compile import compile_condition
from zdsync.rules.condition import AS_OF, Condition, Expression, Group
from zdsync.rules.expression import LONGEST
from zdsync.rules.functions import FUNCTIONS
from zdsync.rules.judge import judge_rule
from zdsync.rules.now import Now
from zdsync.sql import Sql

QUERY = duck()
RULES = "rules:\n  - id: r\n    when: {sql: %s}\n    then: [spam]\n"


def load(text: str, portal: Any = PORTAL) -> Any:
    return load_rules(RULES % json.dumps(text), "r.yaml", portal)


def said(text: str) -> str:
    problems = load(text).problems
    assert problems, text
    return "; ".join(f"{one.where} {one.what}" for one in problems)


def holds(text: str, **fields: Any) -> bool:
    """Judge one ticket through an example: the rule marks it or does nothing."""
    listed = json.dumps(fields)
    for expect, verdict in (("{spam: true}", True), ("nothing", False)):
        example = f"    examples: [{{given: {listed}, at: 2026-03-02 09:30, expect: {expect}}}]\n"
        loaded = load_rules(RULES % json.dumps(text) + example, "r.yaml", PORTAL)
        assert not loaded.problems, loaded.problems
        if not run_examples(loaded.rules, PORTAL, QUERY, NOW):
            return verdict
    raise AssertionError(text)


TRUE: list[tuple[str, dict[str, Any]]] = [
    ("subject = 'it''s'", {"subject": "it's"}),
    ("lower(subject) like '%LOGIN%' or subject ilike '%login%'", {"subject": "My Login"}),
    ("priority in ('High', 'Low') and is_escalated", {"priority": "Low", "is_escalated": True}),
    ("category is null", {}),
    ("category is null", {"category": ""}),
    ("coalesce(category, 'none') = 'none'", {}),
    ("created < now() - interval 3 day", {"created": "2026-02-27 09:29"}),
    ("created::date = current_date", {"created": "2026-03-02 01:00"}),
    ("created between timestamp '2026-03-01' and now()", {"created": "2026-03-02 01:00"}),
    ("date_diff('hour', created, due) >= 4", {"created": "2026-03-01", "due": "2026-03-02"}),
    ("extract(hour from created) < 6", {"created": "2026-03-02 01:00"}),
    ("list_contains(tags, 'bug') and len(tags) = 2", {"tags": ["bug", "ux"]}),
    ("'bug' in tags", {"tags": ["bug"]}),
    ("cf.cf_count % 2 = 1 and cf.CF_Count::int // 2 = 1", {"cf.cf_count": 3}),
    ("cf.cf_flag", {"cf.cf_flag": True}),
    ("cf.cf_note::int > 3", {"cf.cf_note": "4"}),
    ("cf.cf_when < created", {"cf.cf_when": "2026-01-01", "created": "2026-03-01"}),
    ("contact.open_tickets > 2", {"contact.open_tickets": 3}),
    ("regexp_matches(text, '(?i)unsub')", {"subject": "x", "description": "UNSUBSCRIBE"}),
    ("jaro_winkler_similarity(subject, 'hallo') > 0.9", {"subject": "hallo!"}),
    ("case when thread_count > 2 then true else false end", {"thread_count": 3}),
    ("case priority when 'Low' then 1 when 'High' then 2 end = 2", {"priority": "High"}),
    ("split_part(email, '@', 2) <> split_part(contact.email, '@', 2)",
     {"email": "a@b.example", "contact.email": "a@c.example"}),
    ("thread_count / 0 is null or subject = 'no'", {"thread_count": 3}),
    ("not (cf.cf_note::int = 3) or subject = 'a'", {"cf.cf_note": "x", "subject": "a"}),
    ("length(subject) * 2 > 9.5", {"subject": "12345"}),
]  # fmt: skip
FALSE: list[tuple[str, dict[str, Any]]] = [
    ("category = 'a'", {}),
    ("not (category = 'a')", {}),  # null counts as false
    ("null is not null or not null", {}),
    ("1 / thread_count > 0", {"thread_count": 0}),
    ("thread_count // 0 = 1", {"thread_count": 3}),
    ("cf.cf_note::int = 3", {"cf.cf_note": "three"}),
    ("cf.cf_note::timestamp < now()", {"cf.cf_note": "soon"}),
    ("regexp_matches(subject, description)", {"subject": "a", "description": "(["}),
    ("cf.cf_count::int * cf.cf_count::int > 0", {"cf.cf_count": 100000}),
    ("cf.cf_count * 1e308 * 10 = 3", {"cf.cf_count": 5}),
    # DuckDB takes what stands twice, or left of IN, out of a bare TRY.
    ("(subject::boolean and subject::boolean) is true", {"subject": "(a"}),
    ("subject in (true, false)", {"subject": "(a"}),
    ("(subject = true) = (subject = false)", {"subject": "(a"}),
    ("not (regexp_matches('a', subject) and regexp_matches('a', subject))", {"subject": "(a"}),
]


@pytest.mark.parametrize(("text", "fields"), TRUE)
def test_an_expression_holds(text: str, fields: dict[str, Any]) -> None:
    assert holds(text, **fields)


@pytest.mark.parametrize(("text", "fields"), FALSE)
def test_null_and_what_fails_are_false_and_fail_no_tick(text: str, fields: dict[str, Any]) -> None:
    assert not holds(text, **fields)


HOSTILE = (
    """
(select true)|exists (select 1)|subject in (select email from desk.contacts)|subject = any(tags)
true; drop table desk.tickets|true) or (true|true from desk.tickets|true union select true
true as yes|subject = 'a', true|* = 1|columns('x') = 1|desk.tickets.subject = 'a'|t.subject = 'a'
read_csv('/etc/passwd') = 'x'|read_text('/etc/passwd') = 'x'|glob('/*') = 'x'|getenv('HOME') = 'x'
current_setting('threads') = '1'|pragma_version() = 'x'|getvariable('x') = 1|query('select 1') = 1
version() = 'x'|current_user = 'x'|current_database() = 'x'|txid_current() = 1|random() > 0.5
nextval('s') = 1|repeat('x', 1000000000) = 'x'|range(1000000000) = []|sum(thread_count) > 1
count(*) > 1|row_number() over () = 1|list_filter(tags, lambda x: true) = []|[x for x in tags] = []
list_transform(tags, x -> x) = []|? = 1|$1 = 1|subject collate nocase = 'a'|unnest(tags) = 'a'
error('stop')|write_log('x')|sleep_ms(100) = 1|json_serialize_sql('select 1') = 'x'
main.lower(subject) = 'x' and system.main.getenv('HOME') = 'x'|lower(distinct subject) = 'x'
cast(subject as struct(a int)) = 1|x'ff'::blob = 'a'|{'a': 1} = 1|map {'a': 1} = 1|(1, 2) = (1, 3)
install httpfs|attach 'x.db'|copy (select 1) to 'x'|set threads = 1|pragma version
call pragma_version()|subject = 'a' limit 1|subject = 'a' order by 1|subject = 'a' where true
subject|thread_count|null|tags|format('{}', subject) = 'x'|printf('%s', subject) = 'x'
to_json(subject) = 'x'|subject = |=|((|')|9999999999999999999999 > thread_count
1e400 > thread_count|icu_sort_key(subject, 'de') = 'x'
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


@pytest.mark.parametrize("text", HOSTILE)
def test_what_reaches_outside_or_is_no_condition_is_a_problem_at_its_place(text: str) -> None:
    loaded = load(text)
    assert not loaded.rules.rules
    assert all(re.fullmatch(r"r\.yaml:3:\d+", one.where) for one in loaded.problems)
    assert loaded.problems
    assert all(one.what for one in loaded.problems)


def test_problems_name_the_place_the_reason_and_near_names() -> None:
    assert said("subject = 'a' and subjct = 'b'") == "r.yaml:3:36 unknown field `subjct`"
    assert "did you mean subject?" in load("subjct = 'b'").problems[0].hint
    assert (
        said("true or read_csv('x')") == "r.yaml:3:26 the function `read_csv` is not allowed here"
    )
    assert load("lowr(subject) = 'x'").problems[0].hint.startswith("did you mean lower")
    assert "cannot compare values of type VARCHAR and type INTEGER" in said("subject > 3").replace(
        "Cannot", "cannot"
    )
    assert "it gives VARCHAR, not true or false" in said("subject")
    assert "missing )" in said("regexp_matches(subject, '(')")
    assert "it gives VARCHAR, not true or false" in said("(subject and now()) is null")
    assert "it gives TIMESTAMP" in said("not (now() and is_escalated)")
    both = load("nope = 1 or nada = 2 or now(1)")
    assert len(both.problems) == 3
    assert "nested too deep" in said("not " * 70 + "is_escalated")
    assert "takes one expression" in said("x" * (LONGEST + 1))


@pytest.mark.parametrize(
    ("scalar", "column"),
    [
        ("subject = 'a' and wrong = 'b'", 30),
        ("'subject = ''a'' and wrong = ''b'''", 33),
        ("\"subject = 'é' and wrong = 1\"", 31),
    ],
)
def test_a_place_is_right_in_every_way_of_quoting(scalar: str, column: int) -> None:
    text = f"rules:\n  - id: r\n    when:\n      sql: {scalar}\n    then: [spam]\n"
    (problem,) = load_rules(text, "r.yaml", PORTAL).problems
    assert problem.where == f"r.yaml:4:{column}"
    assert problem.text == "wrong"


def condition(text: str) -> Condition:
    loaded = load(text)
    assert not loaded.problems, loaded.problems
    found: Condition = loaded.rules.rules[0].when
    return found


def test_fields_of_an_expression_are_read_and_their_streams_waited_for() -> None:
    loaded = load("contact.owner = 'a' and list_contains(tags, 'b')")
    from zdsync.rules import compile_rule

    rule = compile_rule(loaded.rules.rules[0], loaded.rules, PORTAL, NOW)
    assert [one.name for one in rule.reads] == ["contact.owner", "tags"]
    assert {"crm.contacts", "crm.users"} <= rule.streams
    assert rule.hangs == {"tags"}
    assert rule.judged is not None


def verdict(text: str, **cells: Any) -> bool | None:
    """The three-valued judgement of a row: its tags are None where they are not read."""
    now = Now(NOW)
    judged = judge_rule(condition(text), (), now)
    assert judged is not None
    row = {"subject": None, "tags": None, "tags_current": False, **cells}
    kinds = {"tags": "VARCHAR[]", "tags_current": "BOOLEAN"}
    listed = [
        Sql(f"CAST(? AS {kinds.get(name, 'VARCHAR')}) AS {name}", (item,))
        for name, item in row.items()
    ]
    columns = Sql(", ".join(one.text for one in listed), tuple(p for o in listed for p in o.params))
    found: bool | None = QUERY("SELECT " + judged + " FROM (SELECT " + columns + ") t")[0][0]
    return found


def test_what_is_not_read_is_unknown_only_where_it_decides() -> None:
    tagged = "list_contains(tags, 'bug')"
    assert verdict(tagged) is None
    assert verdict(f"not {tagged}") is None
    assert verdict("tags is null") is None
    assert verdict("coalesce(len(tags), 0) = 0") is None
    assert verdict(f"{tagged} and subject = 'a'", subject="b") is False
    assert verdict(f"{tagged} and subject = 'a'", subject="a") is None
    assert verdict(f"{tagged} or subject = 'a'", subject="a") is True
    assert verdict(f"{tagged} or subject = 'a'", subject="b") is None
    assert verdict(f"subject = 'a' and ({tagged} or subject = 'b')", subject="c") is False
    assert verdict(tagged, tags=["bug"], tags_current=True) is True
    assert verdict(tagged, tags=["old"], tags_current=True) is False
    assert verdict(tagged, tags=["bug"], tags_current=False) is None


def test_a_hidden_field_is_refused_in_sql_whatever_is_asked() -> None:
    from dataclasses import replace

    blind = replace(PORTAL, hidden=frozenset({"Contacts.Owner"}))
    (problem,) = load("contact.owner = 'a'", blind).problems
    assert "privacy settings hide Contacts.Owner" in problem.what


FIELDS = ["subject", "thread_count", "is_escalated", "created", "tags", "cf.cf_count", "cf.cf_note"]
_LEAF = st.one_of(
    st.sampled_from(
        [*FIELDS, "null", "true", "now()", "current_date", "cf.nope", "interval 1 day"]
    ),
    st.integers(-(10**12), 10**12).map(str),
    st.floats(0, 1e9).map(repr),
    st.text("ab'%(\\?é$;-\n", max_size=6).map(lambda text: "'" + text.replace("'", "''") + "'"),
)


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    signs = ["=", "<", "and", "or", "+", "/", "//", "%", "||", "like", "is distinct from", "in"]
    names = [*FUNCTIONS, "read_text", "getenv", "sum", "random"]
    return st.one_of(
        st.tuples(pair, st.sampled_from(signs)).map(lambda p: f"({p[0][0]} {p[1]} {p[0][1]})"),
        inner.map(lambda one: f"(not {one})"),
        inner.map(lambda one: f"({one} is null)"),
        st.tuples(inner, st.sampled_from(["int", "varchar", "timestamp", "date", "blob"])).map(
            lambda p: f"cast({p[0]} as {p[1]})"
        ),
        st.tuples(st.sampled_from(names), st.lists(inner, max_size=3)).map(
            lambda p: f"{p[0]}({', '.join(p[1])})"
        ),
        st.tuples(inner, inner, inner).map(
            lambda p: f"case when {p[0]} then {p[1]} else {p[2]} end"
        ),
    )


_ROW = Sql(
    "(SELECT CAST(? AS VARCHAR) AS subject, CAST(NULL AS VARCHAR) AS description, "
    "CAST(? AS DOUBLE) AS thread_count, CAST(? AS BOOLEAN) AS is_escalated, "
    "CAST(? AS TIMESTAMP) AS created, CAST(? AS VARCHAR[]) AS tags, CAST(? AS JSON) AS cf) t",
    ("(a", 0, None, "2026-03-02 00:00:00", ["a", "b"], '{"cf_count": "x", "cf_note": "-1"}'),
)


@settings(max_examples=400, deadline=None)
@given(st.recursive(_LEAF, _more, max_leaves=6))
def test_whatever_is_accepted_runs_without_an_error_and_binds_every_literal(text: str) -> None:
    loaded = load(text)
    if loaded.problems:
        return
    found = compile_condition(loaded.rules.rules[0].when, Now(NOW))
    assert QUERY("SELECT " + found + " FROM " + _ROW)[0][0] in (True, False)
    assert re.findall("'[^']*'", found.text.replace("concat(t.subject, 'x') <> ''", "")) in (
        [],
        ["''"] * found.text.count(", '')"),
    )
    assert AS_OF not in found.params


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_a_condition_or_a_problem(text: str) -> None:
    loaded = load(text)
    assert bool(loaded.problems) is not bool(loaded.rules.rules)


def test_and_and_or_at_the_top_are_parts_of_one_condition() -> None:
    found = condition("subject = 'a' and (is_escalated or thread_count > 2)")
    assert isinstance(found, Expression)
    assert (found.kind, [part.kind for part in found.parts]) == ("all", ["all", "any"])
    assert isinstance(load_when("{subject: a, sql: is_escalated}"), Group)


def load_when(when: str) -> Condition:
    text = f"rules: [{{id: r, when: {when}, then: [spam]}}]"
    found: Condition = load_rules(text, "r.yaml", PORTAL).rules.rules[0].when
    return found
