"""Templates reach nothing but the values of fields, and are bounded."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.rules.world import PORTAL
from zdsync.model import Voice
from zdsync.rules import load_rules
from zdsync.rules.compiled import Comment
from zdsync.rules.fields import find_field
from zdsync.rules.nodes import Node, Notes
from zdsync.rules.template_source import LONGEST, program, variable
from zdsync.rules.templates import EXTRAS, LONGEST_TEXT, CannotRender, Template, render

# What is known to lead out of a Jinja sandbox, or to keep it busy.
ESCAPES = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ subject.__class__ }}",
    "{{ subject.__init__.__globals__ }}",
    "{{ subject['__class__'] }}",
    "{{ subject|attr('__class__') }}",
    "{{ subject.format(subject) }}",
    "{{ '{0.__class__}'.format(subject) }}",
    "{{ '%s' % subject }}",
    "{{ ().__class__ }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ config }}",
    "{{ request.application }}",
    "{{ lipsum.__globals__['os'].popen('id').read() }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ joiner }}",
    "{{ namespace() }}",
    "{{ range(10**9) }}",
    "{{ dict(a=1) }}",
    "{{ url_for.__globals__ }}",
    "{{ get_flashed_messages }}",
    "{{ environ }}",
    "{{ ticket.__class__ }}",
    "{{ ticket }}",
    "{{ cf }}",
    "{{ contact }}",
    "{{ contact.items }}",
    "{{ contact.owner.strip }}",
    "{{ (subject).strip() }}",
    "{{ (subject|upper).__class__ }}",
    "{{ tags[0] }}",
    "{{ subject|map('upper') }}",
    "{{ subject|list }}",
    "{{ subject|safe }}",
    "{{ subject|replace('', 'aaaa') }}",
    "{{ subject|center(99999999) }}",
    "{{ subject|indent(99999999) }}",
    "{{ subject|pprint }}",
    "{{ subject|tojson }}",
    "{{ subject|xmlattr }}",
    "{{ subject|default(subject) }}",
    "{{ subject|truncate(thread_count) }}",
    "{{ subject|truncate(*[1]) }}",
    "{{ subject|truncate(length=9) }}",
    "{{ 'a' * 10**9 }}",
    "{{ 'a' * 999999999 }}",
    "{{ subject * thread_count }}",
    "{{ 9**9**9 }}",
    "{{ 7 // 0 }}",
    "{{ -thread_count }}",
    "{{ subject is defined }}",
    "{% for x in range(10**9) %}{% endfor %}",
    "{% for x in tags %}{{ x }}{% endfor %}",
    "{% set a = subject %}",
    "{% set a %}x{% endset %}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "{% call m() %}{% endcall %}",
    "{% include '/etc/passwd' %}",
    "{% import '/etc/passwd' as x %}",
    "{% from 'os' import system %}",
    "{% extends '/etc/passwd' %}",
    "{% block a %}{% endblock %}",
    "{% with a = 1 %}{% endwith %}",
    "{% autoescape false %}{{ subject }}{% endautoescape %}",
    "{% filter upper %}x{% endfilter %}",
    "{% do subject.x() %}",
    "{% debug %}",
    "{{ caller() }}",
    "{{ loop.index }}",
    "{{ varargs }}",
    "{{ [subject, subject][0] }}",
    "{{ {'a': subject} }}",
    "{{ subject[:1] }}",
    "{{ (subject for x in y) }}",
    "{{ " + "(" * 3000 + "subject" + ")" * 3000 + " }}",
    "{{ " + "not " * 2400 + "subject }}",
    "{% if subject %}" * 600,
    "x" * (LONGEST + 1),
)


def problems(source: str) -> list[str]:
    """What check says of a rule with this comment."""
    head = "version: 1\nrules:\n  - id: r\n    when: {status: Open}\n    then: [comment: "
    text = head + quoted(source) + "]\n"
    loaded = load_rules(text, "r.yaml", PORTAL)
    assert bool(loaded.problems) != bool(loaded.rules.rules)
    return [f"{one.where}: {one.what}" for one in loaded.problems]


def template(source: str) -> Template:
    text = "version: 1\nrules: [{id: r, when: {status: Open}, then: [{comment: T}]}]"
    rules = load_rules(text.replace("T", quoted(source)), "r.yaml", PORTAL).rules.rules
    (action,) = rules[0].actions
    assert isinstance(action, Comment)
    return action.text


def quoted(source: str) -> str:
    return '"' + source.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


@pytest.mark.parametrize("source", ESCAPES, ids=lambda source: source[:40])
def test_what_leads_out_of_a_template_is_refused_by_check(source: str) -> None:
    said = problems(source)
    assert said
    assert all(one.startswith("r.yaml:5:") for one in said)


def test_every_name_is_known_before_anything_is_sent() -> None:
    (said,) = problems("Hello {{ subjekt }}")
    assert said == "r.yaml:5:21: unknown field `subjekt`"


PIECES = st.sampled_from(
    (
        *("{{", "}}", "{%", "%}", "{#", "#}", "subject", "contact.owner", "tags", ".", "__class__"),
        *("|", "upper", "attr", "(", ")", "[", "]", "'x'", "if", "else", "endif", "for", "in"),
        *("endfor", "set", "=", "~", "+", "*", "**", "range", "9", ",", " ", "\n", "is", "not"),
        *("raw", "endraw", "and", "or", "==", "self", "_", "mro", "import", "%", "-"),
    )
)


@given(st.lists(PIECES, max_size=25).map("".join))
@example("{{subject}}")
@example("{{subject.__class__}}")
def test_whatever_is_accepted_names_fields_only(source: str) -> None:
    notes = Notes("r.yaml")
    found = read(source, notes)
    if found is None:
        assert notes.found or not source.strip()
        return
    assert all(find_field(name, PORTAL) or name in EXTRAS for name in found.names)
    secret = Secret()
    values = {variable(place): secret for place in range(len(found.names))}
    with contextlib.suppress(TypeError, ValueError):  # a flag is not rounded
        program(source, True).render(values)  # past `render`, which makes texts of them
    assert secret.touched <= {"__html__"}  # what escaping asks


class Secret:
    """A value that notes each attribute that is asked of it."""

    def __init__(self) -> None:
        object.__setattr__(self, "touched", set())

    def __getattribute__(self, name: str) -> Any:
        if name not in ("touched", "__class__"):
            object.__getattribute__(self, "touched").add(name)
        return object.__getattribute__(self, name)

    def __str__(self) -> str:
        return "secret"


def read(source: str, notes: Notes) -> Template | None:
    from zdsync.rules.names import Names
    from zdsync.rules.operands import Operands
    from zdsync.rules.parse import Parser
    from zdsync.rules.templates import read_template

    parser = Parser(PORTAL, notes, Operands(notes, Names(PORTAL, notes), {}))
    return read_template(Node(source, source), parser)


@given(st.text(max_size=300), st.booleans())
@example("<script>alert(1)</script>", True)
@example("{{ subject }}{% raw %}", True)
@example("zsu[@user:1]zsu", True)
@example("a\r\nBcc: x@y.example", False)
def test_a_value_is_one_harmless_line(value: str, html: bool) -> None:
    text = render(template("<{{ subject }}>"), {"subject": value}, html=html)
    assert text.startswith("<") and text.endswith(">")
    inner = text[1:-1]
    assert not {"\n", "\r", "\0"} & set(inner)
    assert "zsu[" not in inner.lower()
    if html:
        assert not {"<", ">", '"', "'"} & set(inner)


def test_an_empty_value_is_an_empty_text_and_not_none() -> None:
    found = template(
        "[{{ contact.name }}|{{ contact.name | default('nobody') }}|{{ cf.cf_count }}]"
    )
    assert render(found, {}, html=False) == "[|nobody|]"


def test_values_keep_their_kinds() -> None:
    found = template(
        "{{ created }} {{ created | date }} {{ is_escalated }} {{ tags | join('+') }} {{ tags }}"
        " {% if cf.cf_count > 3 %}{{ cf.cf_count }}{% endif %}"
        "{% if not cf.cf_flag %} off{% endif %} {{ description | truncate(8) }}"
    )
    values = {
        "created": datetime(2026, 3, 2, 9, 30, tzinfo=UTC),
        "is_escalated": True,
        "tags": ["a", "b"],
        "cf.cf_count": "4.0",
        "cf.cf_flag": "false",
        "description": "<p>One</p><p>two three</p>",
    }
    text = "2026-03-02 09:30 2026-03-02 yes a+b a, b 4 off One two…"
    assert render(found, values, html=False) == text


@pytest.mark.parametrize(
    ("source", "values"),
    [
        ("{% if thread_count > 3 %}x{% endif %}y", {}),  # an empty value has no order
        ("{{ subject }}", {"subject": " "}),
        ("{{ subject | round }}", {"subject": "words"}),
        ("{{ subject }}" * 600, {"subject": "x" * 2000}),
    ],
)
def test_what_cannot_be_filled_is_refused_without_a_value_of_a_record(
    source: str, values: dict[str, Any]
) -> None:
    with pytest.raises(CannotRender) as refused:
        render(template(source), values, html=True)
    assert "words" not in str(refused.value)


def test_a_text_is_bounded_whatever_the_values() -> None:
    found = template("{{ subject }}" * 14)
    assert len(render(found, {"subject": "x" * 100_000}, html=True)) <= LONGEST_TEXT


def test_line_breaks_of_the_author_stay_in_html() -> None:
    assert render(template("a\nb"), {}, html=True) == "a<br>\nb"
    assert render(template("a\nb"), {}, html=False) == "a\nb"


def test_a_notice_may_name_portal_words_and_numbers() -> None:
    rule = (
        "version: 1\nrules: [{id: r, when: {status: Open}, then: [{notify: {to: ops, text: T}}]}]"
    )
    for name, refused in {
        "status": False,
        "thread_count": False,
        "created": False,
        "ticket.number": False,
        "cf.cf_count": False,
        "cf.cf_note": True,
        "contact.name": True,
        "email": True,
        "text": True,
    }.items():
        text = rule.replace("T", '"{{ ' + name + ' }}"')
        voice = Voice(frozenset({"ops"}))
        assert bool(load_rules(text, "r.yaml", PORTAL, voice).problems) == refused, name
        assert not load_rules(text, "r.yaml", PORTAL, Voice(voice.targets, texts=True)).problems
