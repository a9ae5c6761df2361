"""What long texts hold: searched and matched once per changed text, and kept.

Owns `zdsync.text_hits`: one row a ticket with the digest of its text, its folded subject, and what
of the questions put to it (rules/probes.py) holds. A question is put to a text that it was not put
to before. What is kept never decides otherwise than asking again would (a property in
tests/changes/test_kept.py). Must not decide anything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zdsync.changes.searching import Found, Text, searched
from zdsync.changes.store import Queries, query, table
from zdsync.rules.probe import Probe
from zdsync.sql import Sql, join

_BATCH = 4_000  # texts read at a time; bounds memory
_FLUSH = 20_000  # answers stored at a time: whole row groups, so that few small ones are left
# In two steps: the texts of a million tickets are read for those few whose text changed.
_CHANGED = """
CREATE OR REPLACE TEMP TABLE rule_changed AS
SELECT b.ticket_id, b.text_digest AS digest, coalesce(h.asked, 0) AS asked, h.found
FROM rule_base b
LEFT JOIN zdsync.text_hits h ON h.ticket_id = b.ticket_id AND h.digest = b.text_digest
WHERE h.asked IS NULL OR NOT list_contains(?, h.asked)
"""
_STALE = """
CREATE OR REPLACE TEMP TABLE rule_stale AS
SELECT t.ticket_id, t.digest, t.asked, t.found, t.subject, t.description
"""
_FORGET = "DELETE FROM zdsync.text_hits WHERE ticket_id IN (SELECT ticket_id FROM rule_changed)"
_KEEP = """
INSERT INTO zdsync.text_hits (ticket_id, digest, asked, found, subject)
SELECT r[1], r[2], CAST(r[3] AS INTEGER), r[4], r[5]
"""
_SETS = "SELECT id, names FROM zdsync.text_asked"
_TRIM = """
UPDATE zdsync.text_hits
SET found = coalesce(' ' || nullif(array_to_string(list_filter(string_split(trim(found), ' '),
    lambda one: list_contains(?, string_split(one, '=')[1])), ' '), '') || ' ', '')
WHERE asked = ? AND found <> ''
"""


@dataclass(frozen=True, slots=True)
class _Round:
    """What is put to texts that were asked one set of questions before: `number` is the new set."""

    words: tuple[Probe, ...]
    patterns: tuple[Probe, ...]
    number: int


def find_hits(mirror: Queries, probes: Iterable[Probe], *, whole: bool) -> None:
    """Bring `zdsync.text_hits` up to date for the tickets of `rule_base`.

    `whole`: these are all questions of the rules file; answers to others are taken away.
    """
    asked = {probe.name: probe for probe in probes}
    sets = {0: frozenset[str]()}
    sets |= {row[0]: frozenset(row[1]) for row in mirror.rows(Sql(_SETS))}
    if whole:
        sets = _trimmed(mirror, sets, frozenset(asked))
    enough = [number for number, names in sets.items() if number and names >= asked.keys()]
    mirror.run(Sql(_CHANGED, (enough,)))
    before = mirror.rows(Sql("SELECT asked, count(*) FROM rule_changed GROUP BY asked"))
    if before:
        rounds = {number: _round(mirror, asked, sets, number) for number, _ in before}
        mirror.run(Sql(_FORGET))
        _keep(mirror, _answers(mirror, rounds, sum(many for _, many in before)))
        mirror.run(Sql("DROP TABLE rule_stale"))
    mirror.run(Sql("DROP TABLE rule_changed"))


def answer(probe: Probe) -> Sql:
    """Write the answer to a probe, an expression over `x`, a row of `zdsync.text_hits`.

    `found` is a text, not a list: a list in a join of 200,000 rows took ten times as long.
    """
    if probe.kind != "labels":
        return Sql("contains(x.found, ?)", (f" {probe.name} ",))
    begin = probe.name + "="
    mine = Sql("list_filter(string_split(x.found, ' '), lambda one: starts_with(one, ?))", (begin,))
    places = "list_transform(" + mine + f", lambda one: CAST(one[{len(begin) + 1}:] AS INTEGER))"
    # Most texts speak of nothing: the lists are made for the others only.
    return Sql("CASE WHEN contains(x.found, ?) THEN ", (f" {begin}",)) + places + " END"


def _trimmed(
    mirror: Queries, sets: Mapping[int, frozenset[str]], alive: frozenset[str]
) -> dict[int, frozenset[str]]:
    """Take away the answers to questions that no rule puts any more, as of a changed taxonomy."""
    for number, names in sets.items():
        if not names <= alive:
            left = sorted(names & alive)
            mirror.run(Sql(_TRIM, (left, number)))
            mirror.run(Sql("UPDATE zdsync.text_asked SET names = ? WHERE id = ?", (left, number)))
    return {number: names & alive for number, names in sets.items()}


def _round(
    mirror: Queries,
    asked: Mapping[str, Probe],
    sets: dict[int, frozenset[str]],
    number: int,
) -> _Round:
    """Prepare what texts of one set lack; the set that they have afterwards is kept."""
    missing = tuple(asked[name] for name in sorted(asked.keys() - sets[number]))
    names = sets[number] | asked.keys()
    after = next((n for n, some in sets.items() if n and some == names), 0)
    if not after:
        after = max(sets) + 1
        sets[after] = names
        kept = "INSERT INTO zdsync.text_asked (id, names) VALUES (?, ?)"
        mirror.run(Sql(kept, (after, sorted(names))))
    patterns = tuple(probe for probe in missing if probe.test is not None)
    return _Round(tuple(one for one in missing if one.test is None), patterns, after)


def _keep(mirror: Queries, answers: Iterable[tuple[str | None, ...]]) -> None:
    waiting: list[tuple[str | None, ...]] = []
    for one in answers:
        waiting.append(one)
        if len(waiting) == _FLUSH:
            mirror.run(query(_KEEP, "FROM (", table(waiting), ")"))
            waiting = []
    if waiting:
        mirror.run(query(_KEEP, "FROM (", table(waiting), ")"))


def _answers(
    mirror: Queries, rounds: Mapping[int, _Round], many: int
) -> Iterator[tuple[str | None, ...]]:
    """Put to each stale text the questions that it was not asked yet."""
    patterns = {probe.name: probe for one in rounds.values() for probe in one.patterns}
    names = tuple(patterns)
    # DuckDB matches the patterns of all texts at once, on all its threads.
    tests = [
        (patterns[name].test or Sql("FALSE")) + f" AS test_{place}"
        for place, name in enumerate(names)
    ]
    source = "(SELECT c.*, t.subject, t.description FROM rule_changed c"
    source += " JOIN desk.tickets t ON t.id = c.ticket_id) t"
    mirror.run(query(join(", ", [Sql(_STALE), *tests]), "FROM", source))
    read: deque[list[tuple[Any, ...]]] = deque()

    def batches() -> Iterator[list[Text]]:
        for start in range(0, many, _BATCH):
            within = (start, start + _BATCH)
            read.append(mirror.rows(Sql(_READ, within)))
            yield [Text(row[2], row[4], row[5]) for row in read[-1]]

    questions = {number: one.words for number, one in rounds.items()}
    for found in searched(questions, batches(), many):
        for row, one in zip(read.popleft(), found, strict=True):
            yield _answered(row, one, rounds[row[2]], names)


_READ = "SELECT * FROM rule_stale WHERE rowid >= ? AND rowid < ?"
_CELLS = 6  # of `rule_stale` before the answers to patterns


def _answered(
    row: tuple[Any, ...], found: Found, asked: _Round, names: Sequence[str]
) -> tuple[str | None, ...]:
    """One ticket's row of `zdsync.text_hits`, as texts."""
    ticket, digest, _, before = row[:4]
    matched = row[_CELLS:]
    told = [*(before or "").split(), *found.answers]
    if any(matched):
        mine = {probe.name for probe in asked.patterns}
        told += [name for name, holds in zip(names, matched, strict=True) if holds and name in mine]
    return ticket, digest, str(asked.number), f" {' '.join(told)} " if told else "", found.subject
