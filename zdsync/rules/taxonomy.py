"""Taxonomies: labels, the words that point at them, and the SQL that finds the tags of a text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zdsync.rules.compile import contains, folds_of
from zdsync.rules.compiled import TaxonomyTags
from zdsync.rules.fields import RuleField
from zdsync.rules.folding import BORDER, core, needle, word
from zdsync.rules.names import refuses_tag
from zdsync.rules.nodes import Node, Notes
from zdsync.rules.probe import Probe
from zdsync.rules.probes import taxonomy_probe
from zdsync.sql import Sql, ident, join, value


@dataclass(frozen=True, slots=True)
class Label:
    """A tag and the folded words that point at it."""

    tag: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """Labels in the order of the file."""

    name: str
    labels: tuple[Label, ...]


def read_taxonomy(name: str, node: Node, notes: Notes) -> Taxonomy:
    """Read label → words; the label is the tag unless `tag` says otherwise."""
    labels: list[Label] = []
    seen: dict[str, str] = {}
    for key, body in node.pairs or ():
        spelt = body.get("tag")
        at = spelt if spelt is not None and spelt.scalar else key
        check_tag(at, notes, "" if spelt else key.text)
        if at.text.casefold() in seen:
            hint = f"{seen[at.text.casefold()]!r} gives it too"
            notes.add(at, f"two labels give the tag {at.text!r}", hint)
        seen.setdefault(at.text.casefold(), key.text)
        listed = body if body.items is not None else body.get("words")
        words = [_word(item, notes) for item in (listed.items or () if listed else ())]
        labels.append(Label(at.text, tuple(dict.fromkeys(word for word in words if word))))
    return Taxonomy(name, tuple(labels))


def check_tag(node: Node, notes: Notes, label: str = "") -> None:
    """Note a tag that Zoho refuses; for a label, show how to give it a tag."""
    why = refuses_tag(node.text)
    if not why or not (node.named or label):
        return
    better = re.sub(r"[^A-Za-z0-9 _.\-+%\u0080-\U0010ffff]+", "-", node.text).strip("- ")
    hint = f"spell it {better!r}" if not refuses_tag(better) else "3 to 50 letters or digits"
    if label and not refuses_tag(better):
        hint = f"{label}: {{tag: {better}, words: [...]}}"
    notes.add(node, why, hint)


def _word(node: Node, notes: Notes) -> str:
    folded = word(node.text)
    if core(folded):
        return folded
    notes.add(node, "an empty word", "delete it")
    return ""


def taxonomy_tags(taxonomy: Taxonomy, fields: tuple[RuleField, ...], at_most: int) -> TaxonomyTags:
    """Write the SQL of a taxonomy: the tags with most distinct words first, then file order.

    A label's rank is its number of words times a step, less its place in the file; so one sort of
    numbers orders both. Plain searches in marked text: 18 labels of 5 words over 20,000 tickets
    of 600 characters stay below a second (measured).
    """
    step = len(taxonomy.labels) + 1
    ranks = [
        _count(label, fields) + f" * {step} - {place}"
        for place, label in enumerate(taxonomy.labels, start=1)
    ]
    # A label without a hit has a rank below zero: it is the only thing to leave out.
    best = "list_reverse_sort(list_filter([" + join(", ", ranks) + "], lambda r: r > 0))"
    tags = "CAST(" + value([label.tag for label in taxonomy.labels]) + " AS VARCHAR[])"
    # rank = words * step - place, so place = -rank modulo step
    place = f"{step} - (r % {step})"
    picked = "list_slice(" + best + ", 1, CAST(" + value(at_most) + " AS INTEGER))"
    named = "list_transform(" + picked + ", lambda r: list_extract(" + tags + f", {place}))"
    found = "CASE WHEN " + _any(taxonomy, fields) + " THEN " + named + " ELSE [] END"
    probe = taxonomy_probe([(label.tag, label.words) for label in taxonomy.labels], fields)
    kept = None if probe is None else _kept(probe, tags, at_most)
    return TaxonomyTags(taxonomy.name, found, at_most, probe, kept)


def _kept(probe: Probe, tags: Sql, at_most: int) -> Sql:
    """Write the SQL that reads the tags from the labels found before: their places, best first."""
    column = f"t.{ident(probe.column)}"
    picked = f"list_slice({column}, 1, CAST(" + value(at_most) + " AS INTEGER))"
    named = "list_transform(" + picked + ", lambda place: list_extract(" + tags + ", place))"
    return f"CASE WHEN len({column}) > 0 THEN " + named + " ELSE [] END"


def _any(taxonomy: Taxonomy, fields: tuple[RuleField, ...]) -> Sql:
    """Hold where a text may hold any of the words: one pass, where counting takes one a word.

    Most texts hold none; the lists that rank labels cost ten times as much as this (measured).
    """
    words = {needle(word).strip(BORDER) for label in taxonomy.labels for word in label.words}
    pattern = "|".join(re.escape(word) for word in sorted(words)) or "$."
    columns = dict.fromkeys(fold.column for field in fields for fold in folds_of(field))
    tests = [
        Sql(f"coalesce(regexp_matches(t.{ident(column)}, ?), false)", (pattern,))
        for column in columns
    ]
    return "(" + join(" OR ", tests) + ")"


def _count(label: Label, fields: tuple[RuleField, ...]) -> Sql:
    hits = []
    for folded in label.words:
        found = join(" OR ", [contains(field, folded) for field in fields])
        hits.append("CASE WHEN " + found + " THEN 1 ELSE 0 END")
    return "(" + join(" + ", hits) + ")" if hits else Sql("0")
