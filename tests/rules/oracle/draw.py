"""Random conditions by Hypothesis, and records that come close to what a condition asks.

Records are grown from a seed: Hypothesis draws conditions, which need shrinking, and a plain
generator makes forty records a condition, which need not.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tests.rules.oracle.patterns import patterns
from tests.rules.oracle.tokens import MARKUP, ODD, WORDS, echo, some_text

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
TEXTS = (
    *("subject", "description", "text", "status", "priority", "channel", "category", "email"),
    *("language", "department", "assignee", "contact.name", "contact.owner", "account.sla_tier"),
    "closed_by",
)
NUMBERS = ("thread_count", "comment_count", "replies.outbound_since_customer", "attempts")
NUMBERS += ("contact.open_tickets",)
BOOLS = ("is_overdue", "is_escalated", "requester.is_agent", "contact.in_crm")
INSTANTS = ("created", "modified", "due", "closed", "status_since", "replies.last_inbound")
INSTANTS += ("touched",)
DECLARED = {
    "cf.cf_note": "text",
    "cf.cf_num": "number",
    "cf.cf_flag": "bool",
    "cf.cf_when": "instant",
}
ANY = ("contact.cf.cf_a", "account.cf.b", "crm.contact.cf.C", "crm.account.cf.D_1")
LISTS = {"spam": ["refill", "live chat", "退款"], "signs": ["réfill", "*chat", "λόγος", "12"]}
TAGS = (
    "Billing",
    "billing",
    "UX-UI",
    "Résilier",
    "refund",
    "退款单",
    "a b c",
    "50%",
    "हिन्दी",
    "Straße",
)
KINDS = {
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(NUMBERS, "number"),
    **dict.fromkeys(BOOLS, "bool"),
    **dict.fromkeys(INSTANTS, "instant"),
    **dict.fromkeys((*DECLARED, *ANY), "any"),
    "tags": "set",
}


@dataclass(frozen=True)
class Case:
    """Conditions of one file, and the records that each of them judges."""

    conditions: tuple[dict[str, Any], ...]
    records: tuple[dict[str, Any], ...]
    declared: bool

    def kind_of(self, name: str) -> str:
        return DECLARED.get(name, KINDS[name]) if self.declared else KINDS[name]


def one_key(*pairs: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*pairs).map(lambda two: {two[0]: two[1]})


def several(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, min_size=1, max_size=3)


def op(*names: str) -> st.SearchStrategy[str]:
    return st.sampled_from(names)


known = one_key(op("known"), st.booleans())
whole = st.sampled_from((*WORDS, *ODD, *MARKUP, "", " ", "<br>"))
phrases = st.lists(st.sampled_from((*WORDS, *WORDS, *ODD)), min_size=1, max_size=2).map(" ".join)
edges = st.sampled_from((*WORDS, *ODD[:5]))
stars = st.tuples(op("", "", "*"), phrases, op("", "", "*")).map("".join)
named = op(*LISTS).map(lambda name: {"list": name})
listed = st.one_of(several(stars), named, several(st.one_of(stars, named)))
maybe_whole = st.one_of(whole, st.none(), edges)
texts = st.one_of(
    maybe_whole,
    st.one_of(several(maybe_whole), named),
    one_key(op("is", "is_not"), maybe_whole),
    one_key(op("in", "not_in"), st.one_of(several(maybe_whole), named)),
    one_key(op("contains", "not_contains"), stars),
    one_key(op("contains_any", "contains_all"), listed),
    one_key(op("starts_with", "ends_with"), st.one_of(edges, several(edges))),
    one_key(op("starts_with", "ends_with"), edges),
    one_key(op("matches"), patterns),
    known,
)
numerals = st.one_of(st.integers(-3, 5), st.sampled_from((0.5, 1.25, -0.1, 0.3, 1000000, 1e15)))
null_numbers = st.one_of(numerals, numerals, st.none())
order = op("gt", "gte", "lt", "lte")
numbers = st.one_of(
    null_numbers,
    several(null_numbers),
    one_key(op("is", "is_not"), null_numbers),
    one_key(op("in", "not_in"), several(null_numbers)),
    one_key(order, numerals),
    one_key(op("between"), st.tuples(numerals, numerals).map(list)),
    one_key(op("between"), st.tuples(numerals, numerals).map(sorted)),
    st.tuples(numerals, numerals).map(lambda two: {"gt": two[0], "lte": two[1]}),
    known,
)
null_flags = st.one_of(st.booleans(), st.booleans(), st.none())
bools = st.one_of(
    null_flags,
    several(null_flags),
    one_key(op("is", "is_not"), null_flags),
    one_key(op("in", "not_in"), several(null_flags)),
    known,
)
moments = st.sampled_from(
    (
        *("2026-03-01", "2026-03-01 09:30", "2026-03-02T09:30:00Z", "2026-03-02T09:30:00.000001Z"),
        *("2026-03-02T11:30:00+02:00", "2026-02-28T23:59:59-05:30", "2026-03-29 01:30"),
    )
)
moving = st.one_of(
    st.sampled_from(("now", "in 0m", "0h ago", "in 36500d", "In 2 H", "1D  ago")),
    st.tuples(st.integers(0, 90), op("m", "h", "d")).map(lambda two: f"in {two[0]}{two[1]}"),
    st.tuples(st.integers(0, 90), op("m", "h", "d")).map(lambda two: f"{two[0]}{two[1]} ago"),
)
any_moments = st.one_of(moments, moving)
null_moments = st.one_of(moments, moments, st.none())
spans = st.one_of(
    st.sampled_from(("0m", "24h", "1d", "48h", "30m", "2 d", "1D", "36500d")),
    st.tuples(st.integers(0, 90), op("m", "h", "d")).map(lambda two: f"{two[0]}{two[1]}"),
)
instants = st.one_of(
    null_moments,
    several(null_moments),
    one_key(op("is", "is_not"), null_moments),
    one_key(op("in", "not_in"), several(null_moments)),
    one_key(op("gt", "gte", "lt", "lte", "before", "after"), any_moments),
    one_key(op("gt", "gte", "lt", "lte", "before", "after"), moving),
    one_key(op("older_than"), spans),
    one_key(op("older_than", "newer_than"), spans),
    one_key(op("between"), st.tuples(any_moments, any_moments).map(list)),
    st.tuples(spans, spans).map(lambda two: {"older_than": two[0], "newer_than": two[1]}),
    known,
)
tags = st.sampled_from((*TAGS, "RESILIER", "ux-ui", "bill"))
sets = st.one_of(
    one_key(op("has"), tags),
    one_key(op("has_any", "has_all", "has_none"), several(tags)),
    known,
)
# What may be asked of a field of unknown kind; the values of one list are of one kind.
anything = st.one_of(
    texts, numbers, bools, one_key(op("before", "after", "gt", "lte"), moments), known
)
BY_KIND = {
    "text": texts,
    "number": numbers,
    "bool": bools,
    "instant": instants,
    "set": sets,
    "any": anything,
}
TWO = {
    "text": ("is", "is_not"),
    "number": ("is", "is_not", "gt", "gte", "lt", "lte"),
    "bool": ("is", "is_not"),
    "instant": ("is", "is_not", "gt", "gte", "lt", "lte", "before", "after"),
    "any": ("is", "is_not", "gt", "lte", "before", "after"),
}


@st.composite
def two_fields(draw: st.DrawFn, name: str, kind: str, declared: bool, groups: Groups) -> Any:
    kinds = {**KINDS, **DECLARED} if declared else KINDS
    names = [one for group in groups for one in group]
    other = draw(st.sampled_from([one for one in names if kinds[one] in (kind, "any")]))
    both = kinds[other] if kind == "any" else kind
    operator = draw(st.sampled_from(TWO[both]))
    plain = operator == "is" and draw(st.booleans())
    return {name: {"field": other} if plain else {operator: {"field": other}}}


Groups = tuple[tuple[str, ...], ...]
GROUPS: Groups = (TEXTS, TEXTS, NUMBERS, BOOLS, INSTANTS, ("tags",), tuple(DECLARED), ANY)


@st.composite
def leaves(draw: st.DrawFn, declared: bool, groups: Groups) -> dict[str, Any]:
    name = draw(st.sampled_from(draw(st.sampled_from(groups))))
    kind = DECLARED.get(name, KINDS[name]) if declared else KINDS[name]
    if kind != "set" and draw(st.integers(0, 7)) == 0:
        return draw(two_fields(name, kind, declared, groups))  # type: ignore[no-any-return]
    return {name: draw(BY_KIND[kind])}


@cache
def tree(declared: bool, groups: Groups = GROUPS) -> st.SearchStrategy[dict[str, Any]]:
    points = st.one_of(st.integers(-2, 3), st.sampled_from((0.1, 0.2, 0.3, 0.7, 0.8)))

    def wider(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        signal = st.fixed_dictionaries({"points": points, "when": inner})
        score = st.fixed_dictionaries({"at_least": points, "of": several(signal)})
        return st.one_of(
            one_key(op("all", "any", "none"), several(inner)),
            one_key(op("score"), score),
            st.tuples(inner, inner).map(lambda two: {**two[0], **two[1]}),
        )

    return st.recursive(leaves(declared, groups), wider, max_leaves=5)


@st.composite
def cases(draw: st.DrawFn, records: int = 40, groups: Groups = GROUPS) -> Case:
    """Conditions of one file, and records grown for them; the last one is empty."""
    declared = draw(st.booleans())
    found = tuple(draw(st.lists(tree(declared, groups), min_size=6, max_size=9)))
    chance = random.Random(draw(st.integers(0, 2**32)))
    asked = asked_of(found)
    rows = tuple(grow(asked, chance) for _ in range(records))
    return Case(found, (*rows, {}), declared)


def asked_of(conditions: tuple[dict[str, Any], ...]) -> dict[str, list[Any]]:
    """Field → the plain values that stand beside it anywhere in the conditions."""
    found: dict[str, list[Any]] = {}
    for condition in conditions:
        for name, item in comparisons(condition):
            values = list(plain_values(item))
            found.setdefault(name, []).extend(values)
            for other in other_fields(item):
                found.setdefault(other, [])
    if "text" in found:
        for name in ("subject", "description"):
            found.setdefault(name, []).extend(found["text"])
    return found


def comparisons(condition: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, item in condition.items():
        if key in ("all", "any", "none"):
            for part in item:
                yield from comparisons(part)
        elif key == "score":
            for signal in item["of"]:
                yield from comparisons(signal["when"])
        else:
            yield key, item


def plain_values(item: Any) -> Iterator[Any]:
    if isinstance(item, dict):
        for key, inner in item.items():
            yield from LISTS[inner] if key == "list" else plain_values(inner)
    elif isinstance(item, list):
        for inner in item:
            yield from plain_values(inner)
    elif item is not None:
        yield item


def other_fields(item: Any) -> Iterator[str]:
    if isinstance(item, dict):
        for key, inner in item.items():
            if key == "field":
                yield inner
            else:
                yield from other_fields(inner)


def grow(asked: Mapping[str, list[Any]], chance: random.Random) -> dict[str, Any]:
    """One record: a value, or none, for each field that is read."""
    record: dict[str, Any] = {}
    for name, values in asked.items():
        kind = KINDS[name]
        if name == "text" or chance.random() < 0.15:
            continue
        # Two fields that are compared must meet now and then.
        pool = values if chance.random() < 0.8 else [one for some in asked.values() for one in some]
        record[name] = grown(kind, pool, chance)
    return record


def grown(kind: str, values: list[Any], chance: random.Random) -> Any:
    match kind:
        case "text":
            told = [one for one in values if isinstance(one, str)]
            return (
                echo(chance.choice(told), chance)
                if told and chance.random() < 0.7
                else some_text(chance)
            )
        case "number":
            told = [
                one for one in values if isinstance(one, int | float) and not isinstance(one, bool)
            ]
            near = chance.choice(told) if told else chance.randint(-3, 5)
            return near + chance.choice((0, 0, 0, 1, -1, 0.5))
        case "bool":
            return chance.random() < 0.5
        case "instant":
            return a_moment(values, chance)
        case "set":
            told = [one for one in values if isinstance(one, str)]
            return tuple(
                a_tag(chance.choice([*told, *TAGS]), chance) for _ in range(chance.randint(0, 3))
            )
    return any_value(values, chance)


def a_tag(tag: str, chance: random.Random) -> str:
    return chance.choice((tag, tag, tag.upper(), tag.lower(), tag + "s", "x" + tag))


def a_moment(values: list[Any], chance: random.Random) -> datetime:
    told = [one for one in values if isinstance(one, str)]
    base = NOW  # and of `now`
    if told:
        text = chance.choice(told).strip().lower()
        ahead, text = text.startswith("in "), text.removeprefix("in ").removesuffix(" ago")
        unit = {"m": "minutes", "h": "hours", "d": "days"}.get(text[-1:].lower(), "")
        if unit and text[:-1].strip().isdigit():
            base = NOW - (-1 if ahead else 1) * timedelta(**{unit: int(text[:-1])})
        elif text[:2] == "20":
            base = datetime.fromisoformat(text.upper())
            base = base if base.tzinfo else base.replace(tzinfo=UTC)
    base = min(base, NOW + timedelta(days=30_000))  # of instants that no clock shows
    away = chance.choice((0, 0, 1, -1, 60_000_000, -60_000_000, 10**11, -(10**11)))
    return (base + timedelta(microseconds=away)).astimezone(UTC)


JUNK = (
    *(
        "soon",
        "12abc",
        "nan",
        "inf",
        "-Infinity",
        "1e400",
        "maybe",
        "2026-13-01",
        "5%",
        "",
        " ",
        "١٢",
    ),
    *(
        "3",
        " 7 ",
        "1.25",
        "-0.1",
        "1e3",
        "true",
        "FALSE",
        "2026-03-01",
        "2026-03-01T09:30:00Z",
        "1,5",
    ),
    *("infinity", "2026-03-02T11:30:00+02:00", "2026-02-30", True, False, 0, 3, 0.5, 12, "Wahr"),
)


def any_value(values: list[Any], chance: random.Random) -> Any:
    told = chance.choice(values) if values and chance.random() < 0.6 else None
    if isinstance(told, str):
        instant = told[:2] == "20" or told[-1:] in "mhdD"
        made = grown("instant" if instant else "text", [told], chance)
        return made.isoformat() if isinstance(made, datetime) else made
    return chance.choice(JUNK) if told is None else told
