"""The quick ground of a whole plan: few columns, and answers that were found before.

The same tickets as `rule_ground` (ground.py), in temporary relations: `rule_base`, a table of the
columns that conditions, actions, evidence and messages name; `rule_rows`, a table of what quick
conditions and actions name, with short texts folded and the answers to each Probe; `rule_whole`, a
view of both and of the long texts, dear to read. What a rule matches here is what it matches there
(a property in tests/changes/test_kept.py). Must not decide anything.
"""

# ruff: noqa: S608 - all that is put together here are constants and own names, values are bound

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from zdsync.changes import spoken
from zdsync.changes.ground import DIGEST, OPEN, batches, in_scope, keep_folded
from zdsync.changes.hits import answer, find_hits
from zdsync.changes.matches import slots
from zdsync.changes.settled import Settled
from zdsync.changes.speak import named
from zdsync.changes.store import Queries, query, table
from zdsync.changes.values import FIXED, settable, value
from zdsync.changes.wants import TAGS_JSON, wants
from zdsync.model import Portal
from zdsync.rules.compiled import CompiledRule, FoldColumn, fold_columns
from zdsync.rules.folding import needs_python, searchable, searchable_in_sql
from zdsync.rules.probe import Probe
from zdsync.sql import Sql, ident, join

_UNFOLDED = """
CREATE OR REPLACE TEMP TABLE rule_unfolded AS
SELECT b.ticket_id, b.text_digest, t.subject, t.description
FROM (SELECT b.ticket_id, b.text_digest FROM rule_base b
    ANTI JOIN zdsync.folded f ON f.ticket_id = b.ticket_id AND f.digest = b.text_digest) b
JOIN desk.tickets t ON t.id = b.ticket_id
"""
_WHOLE = """
CREATE OR REPLACE TEMP VIEW rule_whole AS
SELECT b.*, r.* EXCLUDE ({shared}), d.description {column}
FROM rule_base AS b JOIN rule_rows AS r ON r.ticket_id = b.ticket_id
JOIN desk.tickets AS d ON d.id = b.ticket_id
{source}
"""
_FOLDED = """
LEFT JOIN zdsync.folded f ON f.ticket_id = b.ticket_id AND f.digest = b.text_digest
"""
_NAMED = re.compile(r't\."?(\w+)"?')  # the only alias of a rule's SQL
_LONG = ("description", "description_folded")  # not in `rule_rows`


def relation(rule: CompiledRule) -> str:
    """Write where a rule's quick condition and its values are read."""
    return "rule_whole AS t" if rule.reads_long else "rule_rows AS t"


def make_rows(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    portal: Portal,
    narrow: Sql,
    *,
    keep: Iterable[CompiledRule] = (),
    whole: bool = False,
    settled: Settled | None = None,
) -> None:
    """Make `rule_rows` and its views; `narrow`, conditions after the scope, leaves tickets out.

    `keep`: rules that rest, whose answers are found all the same. `whole`: with them these are
    all rules of the file, so what is kept for others is taken away. `settled`: leave out tickets
    that are known to need nothing.
    """
    folds = fold_columns(rules)
    short = [one for one in folds if not one.long]
    probes = list({one.name: one for rule in (*rules, *keep) for one in rule.probes}.values())
    long = any(rule.reads_long for rule in rules)
    reads_text = bool(probes) or len(short) < len(folds) or long
    have = _base(
        mirror, rules, portal, short, narrow=narrow, settled=settled, reads_text=reads_text
    )
    spoken.count_calls(mirror, rules, "rule_base")
    if reads_text:
        find_hits(mirror, probes, whole=whole)
    if long:
        mirror.run(Sql(_UNFOLDED))
        keep_folded(mirror, "rule_unfolded", "TRUE")
        mirror.run(Sql("DROP TABLE rule_unfolded"))
    shared = sorted({"ticket_id", *(_asked(rules, portal) & have)})
    _rows(mirror, shared, short, probes, reads_text=reads_text)
    column, source = (", f.description AS description_folded", _FOLDED) if long else ("", "")
    listed = ", ".join(map(ident, shared))
    mirror.run(Sql(_WHOLE.format(shared=listed, column=column, source=source)))


def _asked(rules: Iterable[CompiledRule], portal: Portal) -> set[str]:
    """The columns that quick conditions, the values of actions, wants and scopes name."""
    pieces = [OPEN, "t.created", "t.knows_closed_by", *(f"t.{name}" for name in spoken.STANDING)]
    for rule in rules:
        pieces += [f"t.{name}" for name in spoken.COUNTED] if rule.call_markers else []
        pieces.append((rule.quick or rule.where).text)
        pieces += [slot.text for action in rule.actions for slot in slots(action, kept=True)]
        pieces.append(wants(rule, portal, kept=True).text)
    return _found(pieces)


def _named(rules: Iterable[CompiledRule], portal: Portal) -> set[str]:
    """The columns that anybody else names who asks about tickets of these rules."""
    some = list(rules)
    pieces = [*FIXED, *(f"t.{name}" for name in spoken.COUNTS)]
    pieces += [value(name).text for name in settable(some, portal)]
    for rule in some:
        pieces += [sql.text for _, sql in rule.evidence]
        pieces += [sql.text for action in rule.actions for sql in named(action)]
    return _found(pieces)


def _found(pieces: Iterable[str]) -> set[str]:
    return {name for piece in pieces for name in _NAMED.findall(piece)}.difference(_LONG)


def _base(
    mirror: Queries,
    rules: Sequence[CompiledRule],
    portal: Portal,
    short: Sequence[FoldColumn],
    *,
    narrow: Sql,
    settled: Settled | None,
    reads_text: bool,
) -> set[str]:
    """Make `rule_base`: the columns that are named, and raw short texts that are no column.

    Only those: all columns took twice the time and memory (200,000 tickets). Returns them.
    """
    source = spoken.source(rules)
    there = {row[0] for row in mirror.rows(Sql(f"DESCRIBE SELECT * FROM {source}"))}
    plain = {name for one in short if (name := _plain(one))}
    names = sorted(
        {"ticket_id", *((_asked(rules, portal) | _named(rules, portal) | plain) & there)}
    )
    columns = [Sql(f"t.{ident(name)}") for name in names]
    raws = [(place, one) for place, one in enumerate(short) if not _plain(one)]
    columns += [one.raw + f" AS {_raw(place, one)}" for place, one in raws]
    columns.append(Sql(f"{TAGS_JSON} AS tags_json"))
    if reads_text:
        columns.append(Sql(f"{DIGEST} AS text_digest"))
    within = in_scope(rules) + narrow
    rows = Sql(f"{source} WHERE ") + within
    if settled is not None:
        rows = settled.left(source, within, names, rules)
        columns.append(Sql("t.state"))
    made = "CREATE OR REPLACE TEMP TABLE rule_base AS SELECT"
    mirror.run(query(made, join(", ", columns), "FROM", rows))
    return {*names, "tags_json"}


def _plain(one: FoldColumn) -> str | None:
    """The column whose text is folded, where it is one as it stands."""
    found = _NAMED.fullmatch(one.raw.text)
    return found.group(1) if found and not one.raw.params else None


def _raw(place: int, one: FoldColumn) -> str:
    return ident(_plain(one) or f"raw_{place}")


def _rows(
    mirror: Queries,
    shared: Iterable[str],
    short: Sequence[FoldColumn],
    probes: Sequence[Probe],
    *,
    reads_text: bool,
) -> None:
    """Make `rule_rows`: columns of the base, folded short texts, the answers of the probes."""
    columns = [Sql(f"t.{ident(name)}") for name in shared]
    source = "FROM rule_base AS t"
    for place, one in enumerate(short):
        _fold_distinct(mirror, place, one)
        columns.append(Sql(f"s{place}.folded AS {ident(one.column)}"))
        source += f" LEFT JOIN rule_folds_{place} s{place} ON s{place}.raw = t.{_raw(place, one)}"
    if reads_text:
        columns.append(Sql("x.subject AS subject_folded"))
        columns += [answer(probe) + f" AS {ident(probe.column)}" for probe in probes]
        source += (
            " JOIN zdsync.text_hits x ON x.ticket_id = t.ticket_id AND x.digest = t.text_digest"
        )
    made = "CREATE OR REPLACE TEMP TABLE rule_rows AS SELECT"
    mirror.run(query(made, join(", ", columns), source))
    for place in range(len(short)):
        mirror.run(Sql(f"DROP TABLE rule_folds_{place}"))


def _fold_distinct(mirror: Queries, place: int, one: FoldColumn) -> None:
    """Fold each distinct short text once: plain ASCII in SQL, the rest in Python.

    Folding 20 columns row by row took 12 s (200,000 tickets), for a handful of words each.
    """
    name, raw = f"rule_folds_{place}", Sql("t.raw")
    made = query(
        f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT t.raw,", searchable_in_sql(raw),
        f"AS folded FROM (SELECT DISTINCT {_raw(place, one)} AS raw FROM rule_base) t",
        "WHERE t.raw IS NOT NULL",
    )  # fmt: skip
    mirror.run(made)
    left = mirror.rows(query(f"SELECT t.raw FROM {name} t WHERE", needs_python(raw)))
    for some in batches([row[0] for row in left]):
        folded = table([(text, searchable(text)) for text in some])
        done = query(f"UPDATE {name} AS t SET folded = s.r[2] FROM (", folded, ") s")
        mirror.run(done + " WHERE s.r[1] = t.raw")
