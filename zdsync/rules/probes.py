"""Questions to the long text of a ticket, put apart so that each is asked once per changed text.

A Probe is one question to subject and description: does it hold these words, does it match this
pattern, which labels of a taxonomy does it speak of. `quicken` turns a condition into one that
reads the answers from columns; the condition itself stays the truth, and both are equal (a
property in tests/changes/test_hits.py). Pure. Must not: read or keep anything.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import orjson
from ahocorasick_rs import AhoCorasick, Implementation

from zdsync.rules.compiled import (
    Action,
    Assign,
    FieldChoice,
    FieldValue,
    Lookup,
    SetField,
    Tags,
    TaxonomyTags,
)
from zdsync.rules.condition import Compare, Condition, Group, Score, compares, fields_of
from zdsync.rules.fields import RuleField
from zdsync.rules.folding import BORDER, joins, needle
from zdsync.rules.probe import Probe
from zdsync.sql import value

_LONG: Mapping[str, tuple[str, ...]] = {
    "text": ("subject", "description"),
    "subject": ("subject",),
    "description": ("description",),
}


def probe_of(item: Compare) -> Probe | None:
    """The question that a comparison puts to long text; None where it asks something else."""
    fields = _LONG.get(item.field.name)
    if fields is None or item.kind != "text" or item.other is not None:
        return None
    words = tuple(str(word) for word in item.values if word is not None)
    if item.operator in ("contains_any", "contains_all"):
        kind: Literal["any", "all"] = "any" if item.operator == "contains_any" else "all"
        return _probe(kind, fields, tuple(dict.fromkeys(needle(word) for word in words)))
    if item.operator == "matches":
        raw = item.field.raw
        test = "(" + raw + " <> '' AND regexp_matches(" + raw + ", " + value(words[0]) + "))"
        return replace(_probe("pattern", fields, words), test="coalesce(" + test + ", false)")
    return None


def taxonomy_probe(
    labels: Iterable[tuple[str, tuple[str, ...]]], fields: Iterable[RuleField]
) -> Probe | None:
    """The question which labels a text speaks of; None where other fields are searched too."""
    names = [_LONG.get(field.name) for field in fields]
    if None in names:
        return None
    searched = tuple(dict.fromkeys(name for some in names for name in some or ()))
    listed = [(tag, tuple(needle(word) for word in words)) for tag, words in labels]
    asked = tuple(dict.fromkeys(word for _, words in listed for word in words))
    places = tuple(tuple(asked.index(word) for word in words) for _, words in listed)
    probe = _probe("labels", searched, (*asked, *(repr(some) for some in places)))
    return replace(probe, words=asked, labels=places)


def _probe(
    kind: Literal["any", "all", "pattern", "labels"],
    fields: tuple[str, ...],
    words: tuple[str, ...],
) -> Probe:
    """`words` are needles, or the pattern; the name is the digest of the whole question."""
    digest = hashlib.sha256(orjson.dumps((kind, fields, words))).hexdigest()[:16]
    return Probe(digest, kind, fields, words)


def quicken(condition: Condition) -> Condition:
    """Write a condition that finds the answers to its probes in columns of the ground."""
    match condition:
        case Compare():
            probe = probe_of(condition)
            return condition if probe is None else _answered(condition, probe)
        case Group(kind=kind, parts=parts):
            return Group(kind, tuple(quicken(part) for part in parts))
        case Score(at_least=at_least, signals=signals):
            asked = [replace(signal, when=quicken(signal.when)) for signal in signals]
            return Score(at_least, tuple(asked))
    return condition


def _answered(item: Compare, probe: Probe) -> Compare:
    field = RuleField(probe.column, "bool", probe.column, item.field.streams)
    return replace(item, field=field, kind="bool", operator="is", values=(True,))


def probes_of(when: Condition, actions: Iterable[Action]) -> tuple[Probe, ...]:
    """List the probes of a condition and of the taxonomies of actions, each once."""
    found = [probe_of(compare) for compare in compares(when)]
    found += [one.probe for one in _taxonomies(actions)]
    return tuple({probe.name: probe for probe in found if probe is not None}.values())


def reads_long(asked: Condition, actions: Iterable[Action]) -> bool:
    """Whether a description is read all the same, by a quickened condition or by an action."""
    some = list(actions)
    read = {field.name for field in fields_of(asked)}
    for action in some:
        if isinstance(action, SetField) and isinstance(action.value, FieldValue | Lookup):
            read.add(action.value.field)
        elif isinstance(action, Assign):
            read |= {one.field for one in action.choices if isinstance(one, FieldChoice)}
    return bool(read & {"text", "description"}) or any(
        one.probe is None for one in _taxonomies(some)
    )


def _taxonomies(actions: Iterable[Action]) -> Iterator[TaxonomyTags]:
    for action in actions:
        if isinstance(action, Tags) and action.taxonomy is not None:
            yield action.taxonomy


@dataclass(frozen=True)
class Finder:
    """Answers the word probes of one text in Python; patterns are DuckDB's.

    One pass finds all needles as they stand, whatever lies around them (560 needles, 600
    characters: 3 µs, a search each 23 µs); the borders of words are looked at where one was found.
    """

    probes: tuple[Probe, ...]

    def answers(self, subject: str | None, description: str | None) -> list[str]:
        """Name what holds of two folded texts: `name` of a probe, `name=place` of a label.

        Labels stand best first: most distinct words, then the order of the file.
        """
        hits = {"subject": self._hits(subject), "description": self._hits(description)}
        if not hits["subject"] and not hits["description"]:
            return []
        found: list[str] = []
        for probe in self._asked(hits["subject"] | hits["description"]):
            here = frozenset().union(*(hits[name] for name in probe.fields))
            if probe.kind == "labels":
                found += self._ranked(probe, here)
            elif probe.kind == "any":
                found += [probe.name] * (not here.isdisjoint(probe.words))
            else:
                found += [probe.name] * here.issuperset(probe.words)
        return found

    def _hits(self, text: str | None) -> frozenset[str]:
        if not text:
            return frozenset()
        places = self._automaton.find_matches_as_indexes(text, overlapping=True)
        if not places:
            return frozenset()
        hits: set[str] = set()
        for place, start, end in places:
            inside = start > 0 and joins(text[start - 1])
            goes_on = end < len(text) and joins(text[end])
            for one in self._alike[place]:
                if not (inside and one[0] == BORDER) and not (goes_on and one[-1] == BORDER):
                    hits.add(one)
        return frozenset(hits)

    @cached_property
    def _automaton(self) -> AhoCorasick:
        bare = [one[0].replace(BORDER, "") for one in self._alike]
        return AhoCorasick(bare, implementation=Implementation.DFA)

    @cached_property
    def _alike(self) -> list[list[str]]:
        """Needles that differ in their borders at most."""
        found: dict[str, list[str]] = {}
        for one in self._by_needle:
            found.setdefault(one.replace(BORDER, ""), []).append(one)
        return list(found.values())

    def _ranked(self, probe: Probe, here: frozenset[str]) -> list[str]:
        labels = self._labels[probe.name]
        counts = Counter(place for word in here for place in labels.get(word, ()))
        order = sorted((-many, place) for place, many in counts.items())
        return [f"{probe.name}={place}" for _, place in order]

    @cached_property
    def _labels(self) -> dict[str, dict[str, list[int]]]:
        """For each taxonomy the places of the labels that a needle counts for, once a word."""
        found: dict[str, dict[str, list[int]]] = {}
        for probe in self.probes:
            labels = found.setdefault(probe.name, {})
            for place, words in enumerate(probe.labels, 1):
                for word in words:
                    labels.setdefault(probe.words[word], []).append(place)
        return found

    def _asked(self, hits: Iterable[str]) -> list[Probe]:
        by = self._by_needle
        found = {probe.name: probe for hit in hits for probe in by[hit]}
        return [found[name] for name in sorted(found)]

    @cached_property
    def _by_needle(self) -> dict[str, list[Probe]]:
        found: dict[str, list[Probe]] = {}
        for probe in self.probes:
            for one in probe.words if probe.kind != "pattern" else ():
                found.setdefault(one, []).append(probe)
        return found
