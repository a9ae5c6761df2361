"""`sql:` against the second implementation: random expressions, read once as text, once as Python.

A text is as Zoho has it, an empty one is null; null carries on as SQL says, and counts as false at
the end.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import hypothesis
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.oracle.bench import asked
from tests.rules.oracle.draw import NOW
from tests.rules.oracle.spelling import rules_file
from tests.rules.world import duck
from zdsync.rules import compile_rule, load_rules

QUERY = duck()
TEXTS = ("status", "priority", "subject", "contact.name", "closed_by")
NUMBERS = ("thread_count", "contact.open_tickets", "attempts")
FLAGS = ("is_escalated", "requester.is_agent")
INSTANTS = ("created", "touched", "due")
WORDS = ("High", "high", "Réfill", "it's", "a%b", "50", " x", "退款", "?", "--", "")
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
Record = dict[str, Any]
Asked = tuple[str, Callable[[Record], bool | None]]


def value(name: str, record: Record) -> Any:
    found = record.get(name)
    return None if found == "" else found


def quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


def compared(name: str, sign: str, text: str, than: Any) -> Asked:
    def answer(record: Record) -> bool | None:
        have = value(name, record)
        return None if have is None else SIGNS[sign](have, than)

    return f"{name} {sign} {text}", answer


def emptiness(name: str, is_null: bool) -> Asked:
    said = f"{name} is {'' if is_null else 'not '}null"
    return said, lambda record: (value(name, record) is None) is is_null


def one_of(name: str, words: list[str], within: bool) -> Asked:
    def answer(record: Record) -> bool | None:
        have = value(name, record)
        return None if have is None else (have in words) is within

    listed = ", ".join(map(quoted, words))
    return f"{name} {'' if within else 'not '}in ({listed})", answer


def ago(hours: int) -> tuple[str, datetime]:
    return f"now() - interval {hours} hour", NOW - timedelta(hours=hours)


def stamp(at: datetime) -> tuple[str, datetime]:
    return f"timestamp '{at:%Y-%m-%d %H:%M:%S}'", at


def flag(name: str, bare: bool) -> Asked:
    return (
        name if bare else f"{name} is true"
    ), lambda record: record.get(name) if bare else record.get(name) is True


def negated(inner: Asked) -> Asked:
    def answer(record: Record) -> bool | None:
        found = inner[1](record)
        return None if found is None else not found

    return f"not ({inner[0]})", answer


def joined(parts: list[Asked], word: str) -> Asked:
    ends = word == "or"

    def answer(record: Record) -> bool | None:
        found = [one[1](record) for one in parts]
        return ends if ends in found else None if None in found else not ends

    return f" {word} ".join(f"({one[0]})" for one in parts), answer


words = st.sampled_from(WORDS[:-1])
texts, numbers = st.sampled_from(TEXTS), st.sampled_from(NUMBERS)
marks = st.one_of(
    st.integers(0, 60).map(ago),
    st.integers(0, 90).map(lambda h: stamp(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=h))),
)
leaves = st.one_of(
    st.builds(lambda n, s, w: compared(n, s, quoted(w), w),
              texts, st.sampled_from(("=", "<>")), words),
    st.builds(one_of, texts, st.lists(words, min_size=1, max_size=3), st.booleans()),
    st.builds(emptiness, st.sampled_from((*TEXTS, *NUMBERS, *INSTANTS)), st.booleans()),
    st.builds(lambda n, s, k: compared(n, s, str(k), k), numbers, st.sampled_from([*SIGNS]),
              st.sampled_from((-1, 0, 1, 2, 2.5))),
    st.builds(flag, st.sampled_from(FLAGS), st.booleans()),
    st.builds(lambda n, s, m: compared(n, s, *m), st.sampled_from(INSTANTS),
              st.sampled_from([*SIGNS]), marks),
)  # fmt: skip
expressions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        inner.map(negated),
        st.builds(joined, st.lists(inner, min_size=2, max_size=3), st.sampled_from(("and", "or"))),
    ),
    max_leaves=6,
)


def record(chance: random.Random) -> Record:
    found: Record = {name: chance.choice(WORDS) for name in TEXTS}
    found |= {name: chance.choice((-1, 0, 1, 2, 3)) for name in NUMBERS}
    found |= {name: chance.random() < 0.5 for name in FLAGS}
    hours = timedelta(hours=1)
    found |= {name: NOW - chance.randint(-3, 62) * hours for name in INSTANTS}
    return {name: item for name, item in found.items() if chance.random() < 0.8}


@hypothesis.settings(
    max_examples=int(os.environ.get("ORACLE_EXAMPLES", "80")),
    deadline=None,
    derandomize="ORACLE_EXAMPLES" not in os.environ,
    suppress_health_check=list(hypothesis.HealthCheck),
)
@given(st.lists(expressions, min_size=3, max_size=6), st.integers(0, 2**32))
def test_sql_of_a_rule_equals_the_second_implementation(found: list[Asked], seed: int) -> None:
    text = rules_file([{"sql": said} for said, _ in found], {}, seed=seed)
    loaded = load_rules(text, "r.yaml")
    assert not loaded.problems, (loaded.problems, text)
    rules = [compile_rule(one, loaded.rules, None, NOW) for one in loaded.rules.rules]
    chance = random.Random(seed)
    records = [record(chance) for _ in range(30)]
    for one, row in zip(records, asked(rules, records, QUERY, None), strict=True):
        for (said, answer), cell in zip(found, row, strict=True):
            assert cell is bool(answer(one)), (said, one)
