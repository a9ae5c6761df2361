"""Which words of a text a rule found, and where they stand in it.

For evidence and for explain: what a person looks for in a long text. Decides nothing, writes SQL
over `t` with bound values only. Must not run it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from zdsync.rules.compile import contains, folded
from zdsync.rules.compiled import Action, Tags
from zdsync.rules.condition import Compare, Condition, Group, Score
from zdsync.rules.fields import RuleField
from zdsync.rules.folding import BORDER, core, needle
from zdsync.rules.markup import strip_html
from zdsync.rules.taxonomy import Taxonomy
from zdsync.sql import Sql, join, value

LONG = frozenset({"text", "description"})  # fields that nobody wants to see whole
_AROUND = 24  # characters shown on each side of a word
_SHOWN = 3  # words shown within their text


def words_of(item: Compare) -> tuple[str, ...]:
    """List the folded words that a comparison seeks in a text; () for any other comparison."""
    seeks = item.kind == "text" and item.operator in ("contains_any", "contains_all")
    return tuple(str(one) for one in item.values) if seeks else ()


def found_words(item: Compare) -> Sql:
    """Write which words of a comparison its text holds: VARCHAR[], null where it seeks none.

    One search a word, the search of the condition itself: for one ticket, not for a plan.
    """
    if item.operator == "matches" and item.other is None:
        pattern, raw = value(item.values[0]), item.field.raw
        found = "CASE WHEN regexp_matches(" + raw + ", " + pattern + ") THEN [regexp_extract("
        return found + raw + ", " + pattern + ")] END"
    words = words_of(item)
    if not words:
        return Sql("NULL")
    tests = [
        "CASE WHEN " + contains(item.field, word) + " THEN " + value(word) + " END"
        for word in words
    ]
    return "list_filter([" + join(", ", tests) + "], lambda w: w IS NOT NULL)"


def evidence_hits(
    when: Condition,
    actions: Iterable[Action],
    searched: Iterable[RuleField],
    taxonomies: Mapping[str, Taxonomy],
) -> tuple[tuple[str, Sql], ...]:
    """Write the words that long texts hold, a field at a time: what `CompiledRule.hits` is.

    `searched`: the fields that actions search for the words of taxonomies. All words of a field are
    one pattern and one pass (165 words in 25,000 texts: 0.2 s; a search each: 1.5 s), so of two
    that overlap one is named.
    """
    asked = [(item.field, words_of(item)) for item in _affirmed(when)]
    tagged = tuple(_tagged(actions, taxonomies))
    by_field: dict[str, tuple[RuleField, dict[str, None]]] = {}
    for field, words in (*asked, *((field, tagged) for field in searched)):
        if field.name in LONG and words:
            by_field.setdefault(field.name, (field, {}))[1].update(dict.fromkeys(words))
    return tuple((name, _all_found(field, words)) for name, (field, words) in by_field.items())


def _tagged(actions: Iterable[Action], taxonomies: Mapping[str, Taxonomy]) -> Iterator[str]:
    for action in actions:
        if isinstance(action, Tags) and action.taxonomy and action.taxonomy.name in taxonomies:
            for label in taxonomies[action.taxonomy.name].labels:
                yield from label.words


def _affirmed(condition: Condition) -> Iterator[Compare]:
    """Walk the comparisons that speak for the condition where they hold."""
    match condition:
        case Compare():
            if not condition.negated:
                yield condition
        case Group(kind=kind, parts=parts):
            for part in parts if kind != "none" else ():
                yield from _affirmed(part)
        case Score(signals=signals):
            for signal in signals:
                yield from _affirmed(signal.when)


def _all_found(field: RuleField, words: Iterable[str]) -> Sql:
    # Of two words that begin alike the longer one tells more.
    pattern = "|".join(map(_pattern, sorted(words, key=lambda word: (-len(core(word)), word))))
    found = "regexp_extract_all(" + folded(field) + ", " + value(pattern) + ")"
    bare = "list_transform(" + found + f", lambda w: replace(w, chr({ord(BORDER)}), ''))"
    return "list_sort(list_distinct(" + bare + "))"


def _pattern(word: str) -> str:
    """Write a word as RE2 finds it in searchable text; `refill*` takes the rest of its word."""
    rest = f"[^{BORDER}]*" if word.endswith("*") else ""
    before = f"[^{BORDER}]*" if word.startswith("*") else ""
    return before + re.escape(needle(word)) + rest


def around(raw: str, marked: str, words: Sequence[str]) -> str:
    """Show words within their text, a little of it on both sides: `… a refill of [my pills] …`.

    `marked` is the searchable text of `raw`; of a pattern's hit, which is no folded word, it is
    "" and the hit is sought as it stands. The case of the letters is the text's own where folding
    changed nothing else.
    """
    shown = words[:_SHOWN]
    if not marked:
        text = raw
        places = [(raw.find(one), len(one)) for one in shown]
    else:
        bare = marked.replace(BORDER, "")
        plain = " ".join(strip_html(raw).split())
        text = plain if len(plain) == len(bare) and plain.lower() == bare else bare
        places = [_place(marked, needle(one)) for one in shown]
    pieces = [_piece(text, at, length) for at, length in places if at >= 0]
    more = len(words) - len(pieces)
    return " ".join(pieces) + (f" and {more} more" if more and pieces else "")


def _place(marked: str, sought: str) -> tuple[int, int]:
    """Where a marked word stands in the text without marks, and how long it is there."""
    at = marked.find(sought)
    if at < 0:
        return -1, 0
    return at - marked.count(BORDER, 0, at), len(sought) - sought.count(BORDER)


def _piece(text: str, at: int, length: int) -> str:
    low, high = max(0, at - _AROUND), min(len(text), at + length + _AROUND)
    if low > 0:
        low = text.find(" ", low, at) + 1 or low  # from the next whole word on
    if high < len(text):
        end = text.rfind(" ", at + length, high)
        high = end if end > 0 else high
    left = ("…" if low > 0 else "") + text[low:at]
    right = text[at + length : high] + ("…" if high < len(text) else "")
    return f"{left}[{text[at : at + length]}]{right}"
