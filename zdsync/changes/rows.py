"""The quick ground of a whole plan: answers that were found before, and few columns.

The same tickets as `rule_ground` (ground.py), in temporary relations a run: `rule_base`, a table
of `zdsync.rule_tickets` without descriptions; `rule_rows`, a table of what quick conditions and
actions name, with short texts folded and the answers to each Probe; two views, `rule_whole` of all
of it and of the long texts, dear to read, and `rule_shown` of the base and how texts begin. What a
rule matches here is what it matches there (a property in tests/changes/test_kept.py). Must not
decide anything.
"""

# ruff: noqa: S608 - all that is put together here are constants and own names, values are bound

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from zdsync.changes import spoken
from zdsync.changes.ground import OPEN, batches, in_scope, narrowed
from zdsync.changes.hits import answer, find_hits
from zdsync.changes.matches import slots
from zdsync.changes.store import Queries, query, table
from zdsync.rules.compiled import CompiledRule, FoldColumn, fold_columns
from zdsync.rules.folding import needs_python, searchable, searchable_in_sql
from zdsync.rules.probe import Probe
from zdsync.sql import Sql, ident, join

_VIEW = """
CREATE OR REPLACE TEMP VIEW rule_whole AS
SELECT b.*, r.* EXCLUDE ({shared}), d.description {columns}
FROM rule_base AS b JOIN rule_rows AS r ON r.ticket_id = b.ticket_id
JOIN desk.tickets AS d ON d.id = b.ticket_id {source}
"""
_SHOWN = """
CREATE OR REPLACE TEMP VIEW rule_shown AS
SELECT b.*, {beginning} AS description FROM rule_base AS b {source}
"""
_FOLDED = "LEFT JOIN zdsync.folded f ON f.ticket_id = b.ticket_id AND f.digest = r.text_digest"
_BASE_COLUMNS = "SELECT column_name FROM duckdb_columns() WHERE table_name = 'rule_base'"
_NAMED = re.compile(r't\."?(\w+)"?')  # the only alias of a rule's SQL


def relation(rule: CompiledRule) -> str:
    """Write where a rule's quick condition and its values are read."""
    return "rule_whole AS t" if rule.reads_long else "rule_rows AS t"


def make_rows(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    ticket: str | None = None,
    *,
    keep: Iterable[CompiledRule] = (),
    whole: bool = False,
) -> None:
    """Make `rule_base`, `rule_rows` and `rule_whole`; `ticket` (id or number) narrows them to one.

    `keep`: rules that rest, whose answers are found all the same. `whole`: with them these are
    all rules of the file, so what is kept for others is taken away.
    """
    folds = fold_columns(rules)
    short = [one for one in folds if not one.long]
    probes = list({one.name: one for rule in (*rules, *keep) for one in rule.probes}.values())
    _base(mirror, rules, short, ticket)
    spoken.count_calls(mirror, rules, "rule_base")
    texts = bool(probes) or len(short) < len(folds)
    if texts:
        find_hits(mirror, probes, whole=whole)
    have = {row[0] for row in mirror.rows(Sql(_BASE_COLUMNS))}
    shared = sorted({"ticket_id", *(_named(rules) & have)})
    _rows(mirror, shared, short, probes, texts=texts)
    # Those who ask the ground may ask for any folded text, whichever rules name it.
    columns = ", f.description AS description_folded" if texts else ""
    listed = ", ".join(map(ident, shared))
    source = _FOLDED if texts else ""
    mirror.run(Sql(_VIEW.format(shared=listed, columns=columns, source=source)))
    beginning = "x.beginning" if texts else "CAST(NULL AS VARCHAR)"
    source = "LEFT JOIN rule_texts x ON x.ticket_id = b.ticket_id" if texts else ""
    mirror.run(Sql(_SHOWN.format(beginning=beginning, source=source)))


def _named(rules: Iterable[CompiledRule]) -> set[str]:
    """The columns that quick conditions, the values of actions and scopes name."""
    pieces = [OPEN, "t.created", *(f"t.{name}" for name in spoken.STANDING)]
    for rule in rules:
        pieces.append((rule.quick or rule.where).text)
        pieces += [slot.text for action in rule.actions for slot in slots(action, kept=True)]
    return {name for piece in pieces for name in _NAMED.findall(piece)}


def _base(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    short: Sequence[FoldColumn],
    ticket: str | None,
) -> None:
    """Make `rule_base` as the view has it, and the raw short texts that are folded from it.

    Without the description: joining it along took half of the time (200,000 tickets).
    """
    raw = [one.raw + f" AS {_raw(place)}" for place, one in enumerate(short)]
    columns = join(", ", [Sql("t.* EXCLUDE (description)"), *raw])
    within = in_scope(rules) + narrowed(ticket)
    made = "CREATE OR REPLACE TEMP TABLE rule_base AS SELECT"
    mirror.run(query(made, columns, "FROM", spoken.source(rules), "WHERE", within))


def _raw(place: int) -> str:
    return f"raw_{place}"


def _rows(
    mirror: Queries,
    shared: Iterable[str],
    short: Sequence[FoldColumn],
    probes: Sequence[Probe],
    *,
    texts: bool,
) -> None:
    """Make `rule_rows`: columns of the base, folded short texts, the answers of the probes."""
    columns = [Sql(f"t.{ident(name)}") for name in shared]
    source = "FROM rule_base AS t"
    for place, one in enumerate(short):
        _fold_distinct(mirror, place)
        columns.append(Sql(f"s{place}.folded AS {ident(one.column)}"))
        source += f" LEFT JOIN rule_folds_{place} s{place} ON s{place}.raw = t.{_raw(place)}"
    if texts:
        columns += [Sql("x.digest AS text_digest"), Sql("x.subject_folded")]
        columns += [answer(probe) + f" AS {ident(probe.column)}" for probe in probes]
        source += " JOIN rule_texts x ON x.ticket_id = t.ticket_id"
    made = "CREATE OR REPLACE TEMP TABLE rule_rows AS SELECT"
    mirror.run(query(made, join(", ", columns), source))
    for place in range(len(short)):
        mirror.run(Sql(f"DROP TABLE rule_folds_{place}"))


def _fold_distinct(mirror: Queries, place: int) -> None:
    """Fold each distinct short text once: plain ASCII in SQL, the rest in Python.

    Folding 20 columns row by row took 12 s (200,000 tickets), for a handful of words each.
    """
    name, raw = f"rule_folds_{place}", Sql("t.raw")
    made = query(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT t.raw,", searchable_in_sql(raw),
        f"AS folded FROM (SELECT DISTINCT {_raw(place)} AS raw FROM rule_base) t",
        "WHERE t.raw IS NOT NULL",
    )  # fmt: skip
    mirror.run(made)
    left = mirror.rows(query(f"SELECT t.raw FROM {name} t WHERE", needs_python(raw)))
    for some in batches([row[0] for row in left]):
        folded = table([(one, searchable(one)) for one in some])
        done = query(f"UPDATE {name} AS t SET folded = s.r[2] FROM (", folded, ") s")
        mirror.run(done + " WHERE s.r[1] = t.raw")
