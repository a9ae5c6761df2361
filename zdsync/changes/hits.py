"""What long texts hold: folded, searched and matched once per changed text, and kept.

Owns `zdsync.folded` and `zdsync.text_hits`, and the temporary table `rule_texts`: one row a ticket
of the ground with the digest and the beginning of its text, its folded subject and `found`. A text
is folded where its digest is new; a question (rules/probes.py) is put to a text that it was not put
to before. What is kept never decides otherwise than asking again would (a property in
tests/changes/test_kept.py). Must not decide anything.
"""

# ruff: noqa: S608 - all that is put together here are constants and own names, values are bound

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zdsync.changes.ground import DIGEST
from zdsync.changes.store import Queries, query, table
from zdsync.rules.folding import searchable
from zdsync.rules.probe import Probe
from zdsync.rules.probes import Finder
from zdsync.sql import Sql, join

SHOWN = 100  # characters of a description that evidence may show
_BATCH = 4_000  # texts folded at a time; bounds memory
_FLUSH = 20_000  # texts stored at a time: whole row groups, so that few small ones are left
_TEXTS = f"""
CREATE OR REPLACE TEMP TABLE rule_texts AS
SELECT t.id AS ticket_id, {DIGEST} AS digest, left(t.description, {SHOWN}) AS beginning
FROM desk.tickets t WHERE t.id IN (SELECT ticket_id FROM rule_base)
"""
_STALE = """
CREATE OR REPLACE TEMP TABLE rule_stale AS
SELECT x.ticket_id, x.digest, f.digest IS NOT NULL AS is_folded, coalesce(h.asked, 0) AS asked,
    h.found, t.subject, t.description,
    f.subject AS subject_folded, f.description AS description_folded
FROM rule_texts x
JOIN desk.tickets t ON t.id = x.ticket_id
LEFT JOIN zdsync.folded f ON f.ticket_id = x.ticket_id AND f.digest = x.digest
LEFT JOIN zdsync.text_hits h ON h.ticket_id = x.ticket_id AND h.digest = x.digest
WHERE f.digest IS NULL OR h.asked IS NULL OR NOT list_contains(?, h.asked)
"""
_NEW = """
CREATE OR REPLACE TEMP TABLE rule_new (
    ticket_id VARCHAR, digest VARCHAR, is_folded BOOLEAN,
    subject VARCHAR, description VARCHAR, asked INTEGER, found VARCHAR[])
"""
_KEEP = """
INSERT INTO rule_new
SELECT r[1], r[2], r[3] = 'true', r[4], r[5], CAST(r[6] AS INTEGER),
    CASE WHEN r[7] = '' THEN [] ELSE string_split(r[7], ' ') END
"""
_STORE = (
    "DELETE FROM zdsync.folded WHERE ticket_id IN "
    "(SELECT ticket_id FROM rule_new WHERE NOT is_folded)",
    "INSERT INTO zdsync.folded (ticket_id, digest, subject, description) "
    "SELECT ticket_id, digest, subject, description FROM rule_new WHERE NOT is_folded",
    "DELETE FROM zdsync.text_hits WHERE ticket_id IN (SELECT ticket_id FROM rule_new)",
    "INSERT INTO zdsync.text_hits (ticket_id, digest, asked, found) "
    "SELECT ticket_id, digest, asked, found FROM rule_new",
    "DELETE FROM rule_new",
)
_FOUND = """
CREATE OR REPLACE TEMP TABLE rule_texts AS
SELECT x.ticket_id, x.digest, x.beginning, f.subject AS subject_folded, h.found
FROM rule_texts x
LEFT JOIN zdsync.folded f ON f.ticket_id = x.ticket_id AND f.digest = x.digest
LEFT JOIN zdsync.text_hits h ON h.ticket_id = x.ticket_id AND h.digest = x.digest
"""


_SETS = "SELECT id, names FROM zdsync.text_asked"
_TRIM = """
UPDATE zdsync.text_hits SET found = list_filter(found, lambda one:
    list_contains(?, string_split(one, '=')[1])) WHERE asked = ? AND len(found) > 0
"""


@dataclass(frozen=True, slots=True)
class _Round:
    """What is put to texts that were asked one set of questions before: `number` is the new set."""

    finder: Finder
    patterns: tuple[Probe, ...]
    number: int


def find_hits(mirror: Queries, probes: Iterable[Probe], *, whole: bool) -> None:
    """Make `rule_texts` of the tickets in `rule_base`; fold and search what changed.

    `whole`: these are all questions of the rules file; answers to others are taken away.
    """
    asked = {probe.name: probe for probe in probes}
    sets = {0: frozenset[str]()}
    sets |= {row[0]: frozenset(row[1]) for row in mirror.rows(Sql(_SETS))}
    if whole:
        sets = _trimmed(mirror, sets, frozenset(asked))
    enough = [number for number, names in sets.items() if number and names >= asked.keys()]
    mirror.run(Sql(_TEXTS))
    mirror.run(Sql(_STALE, (enough,)))
    before = mirror.rows(Sql("SELECT asked, count(*) FROM rule_stale GROUP BY asked"))
    if before:
        rounds = {number: _round(mirror, asked, sets, number) for number, _ in before}
        _search(mirror, rounds, sum(many for _, many in before))
    mirror.run(Sql("DROP TABLE rule_stale"))
    mirror.run(Sql(_FOUND))


def answer(probe: Probe) -> Sql:
    """Write the answer to a probe, an expression over `x`, a row of `rule_texts`."""
    if probe.kind != "labels":
        return Sql("coalesce(list_contains(x.found, ?), false)", (probe.name,))
    begin = probe.name + "="
    mine = Sql("list_filter(x.found, lambda one: starts_with(one, ?))", (begin,))
    places = "list_transform(" + mine + f", lambda one: CAST(one[{len(begin) + 1}:] AS INTEGER))"
    # Most texts speak of nothing: the lists are made for the others only.
    return "CASE WHEN len(x.found) > 0 THEN " + places + " END"


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
    return _Round(Finder(tuple(one for one in missing if one.test is None)), patterns, after)


def _search(mirror: Queries, rounds: Mapping[int, _Round], many: int) -> None:
    """Put to each stale text the questions that it was not asked yet, and keep the answers."""
    mirror.run(Sql(_NEW))
    patterns = {probe.name: probe for one in rounds.values() for probe in one.patterns}
    names = tuple(patterns)
    tests = [patterns[name].test or Sql("FALSE") for name in names]
    columns = join(", ", [Sql(_READ), *tests])
    waiting = 0
    for start in range(0, many, _BATCH):
        within = Sql("FROM rule_stale t WHERE rowid >= ? AND rowid < ?", (start, start + _BATCH))
        rows = mirror.rows(query("SELECT", columns, within))
        kept = [_answered(row[:_CELLS], rounds[row[2]], names, row[_CELLS:]) for row in rows]
        mirror.run(query(_KEEP, "FROM (", table(kept), ")"))
        waiting += len(rows)
        if waiting >= _FLUSH or start + _BATCH >= many:
            waiting = 0
            for statement in _STORE:
                mirror.run(Sql(statement))
    mirror.run(Sql("DROP TABLE rule_new"))


_READ = (
    "t.ticket_id, t.digest, t.asked, t.found, t.is_folded, "
    "CASE WHEN t.is_folded THEN t.subject_folded ELSE t.subject END, "
    "CASE WHEN t.is_folded THEN t.description_folded ELSE t.description END"
)
_CELLS = 7  # of _READ


def _answered(
    row: tuple[Any, ...], asked: _Round, names: Sequence[str], matched: Sequence[bool]
) -> tuple[str | None, ...]:
    """One ticket's row of `rule_new`, as texts: the folded text and what it was found to hold."""
    ticket, digest, _, before, is_folded, subject, description = row
    if not is_folded:
        subject, description = _fold(subject), _fold(description)
    mine = {probe.name for probe in asked.patterns}
    found = [*(before or ()), *asked.finder.answers(subject, description)]
    found += [name for name, holds in zip(names, matched, strict=True) if holds and name in mine]
    if is_folded:
        subject = description = None
    done = "true" if is_folded else "false"
    return ticket, digest, done, subject, description, str(asked.number), " ".join(found)


def _fold(text: str | None) -> str | None:
    return None if text is None else searchable(text).replace("\0", " ")
