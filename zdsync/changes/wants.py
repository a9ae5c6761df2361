"""Whether a rule may change anything of a ticket that it matches, asked in SQL.

Most tickets stand as their rules want them: nothing of them need be fetched. False only where the
decision would come to nothing (a property in tests/changes/test_wants.py); true where it is dear to
tell: people are only known to the decision, messages to the journal. Must not decide anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from zdsync.changes.matches import slots
from zdsync.changes.values import ranks, value
from zdsync.model import Portal, Scalar
from zdsync.rules.compiled import Action, Close, CompiledRule, Const, Move, SetField, Tags
from zdsync.sql import Sql, join
from zdsync.sql import value as bound

# Lists are dear to carry through joins: 200,000 of them took 16 s. A JSON text of a name stands in
# that of a list just where the name is in the list.
TAGS_JSON = "CAST(to_json(t.tags) AS VARCHAR)"


def wants(rule: CompiledRule, portal: Portal, *, kept: bool) -> Sql:
    """Write whether one of its actions may change the ticket `t`."""
    some = [_action(action, portal, kept=kept) for action in rule.actions]
    return "(" + join(" OR ", some) + ")" if all(one is not None for one in some) else Sql("TRUE")


def _action(action: Action, portal: Portal, *, kept: bool) -> Sql:
    match action:
        case SetField():
            return _set(action, portal)
        case Tags():
            return _tags(action, kept=kept)
        case Move(target=target) if target is not None:
            return "t.department_id IS DISTINCT FROM " + bound(target.id)
        case Close():
            return Sql("t.status_type IS DISTINCT FROM 'Closed'")
        case _:
            return Sql("TRUE")


def _set(action: SetField, portal: Portal) -> Sql:
    have = value(action.field)
    if isinstance(action.value, Const):
        wanted, decides = _text(action.value.value), Sql("TRUE")
    else:
        wanted, decides = action.wanted, action.decides
    differs = "(" + decides + " AND " + have + " IS DISTINCT FROM " + wanted
    if action.never_lower:
        rank = partial(_rank, ranks(portal.priorities))
        differs += " AND NOT coalesce(" + rank(have) + " > " + rank(wanted) + ", false)"
    return differs + ")"


def _rank(known: Mapping[str, int], priority: Sql) -> Sql:
    """The rank of a priority that is spelled as here or as Zoho does; null of any other."""
    cases = [
        "WHEN " + bound(name) + f" THEN {rank}"
        for folded, rank in known.items()
        for name in {folded, folded.title()}
    ]
    return "CASE " + priority + " " + join(" ", cases) + " END"


def _text(wanted: Scalar) -> Sql:
    if wanted is None:
        return Sql("CAST(NULL AS VARCHAR)")
    told = str(wanted).lower() if isinstance(wanted, bool) else str(wanted)
    return "CAST(" + bound(told) + " AS VARCHAR)"


def _tags(action: Tags, *, kept: bool) -> Sql:
    """A tag that is spelled otherwise counts as missing here: the decision folds it."""
    have = "t.tags_json" if kept else TAGS_JSON
    tests = [Sql(f"({have} IS NULL OR {have} <> '[]')")] if action.remove else []
    for name in action.add:
        tests.append(
            f"NOT coalesce(contains({have}, CAST(to_json(" + bound(name) + ") AS VARCHAR)), false)"
        )
    for found in slots(action, kept=kept):
        missing = (
            f"lambda one: NOT coalesce(contains({have}, CAST(to_json(one) AS VARCHAR)), false)"
        )
        tests.append("len(list_filter(" + found + f", {missing})) > 0")
    return "(" + join(" OR ", tests or [Sql("FALSE")]) + ")"
