"""`set: {due: …}`: when a ticket is due, as an instant that stands once it was written.

Owns: reading it, and its SQL. What is relative to now (`in 3 business days`) fills only an empty
due date, else each tick would move it on: what stands, by whomever, stays. An instant, another
field or `null` is set as any value. Relative instants are whole minutes, rounded up: a plan with
one has another id a minute later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from zdsync.rules.compile import folded
from zdsync.rules.compiled import Action, Due, FieldValue, SetField
from zdsync.rules.condition import Condition, compares
from zdsync.rules.fields import FIELDS, RuleField, typed
from zdsync.rules.folding import exactly, fold
from zdsync.rules.instants import Moment, Relative, naive, read_moment
from zdsync.rules.nodes import Node, Notes
from zdsync.rules.now import Now
from zdsync.rules.parse import Parser
from zdsync.sql import Sql, join, value

_HINT = "write in 3 business days, in 48h, 2026-03-01 09:00 (UTC), {field: …} or null"
_NOTHING = Sql("CAST(NULL AS VARCHAR)")
DUE = FIELDS["due"]


def read_due(
    body: Node, parser: Parser, texts: list[RuleField], plains: list[RuleField]
) -> SetField | None:
    """Read what stands under `due`; None where a problem was noted. Gathers the fields it reads."""
    source, looked_up = body.get("field"), body.get("lookup")
    if source is not None:
        return _copied(source, parser, plains)
    if looked_up is not None:
        found = _by_key(looked_up, body, parser, texts)
    else:
        moment, known = _moment(body, parser.notes)
        found = Due(moment) if known else None
    if found is None:
        return None
    if any(isinstance(moment, Relative) for moment in _moments(found)):
        plains.append(DUE)
    return SetField("due", found, _NOTHING, Sql("true"))


def refuse_moving(key: Node, node: Node, parser: Parser) -> None:
    """Note an instant relative to now as the value of a custom field: it would be set as text."""
    field = parser.field(key) if key.text.startswith("cf.") else None
    if field and field.kind == "instant" and isinstance(read_moment(node.text), Relative):
        what = f"`{key.text}` takes no instant relative to now"
        parser.notes.add(node, what, "only `due` does")


def settled(action: Action, now: Now) -> Action:
    """Write the SQL of a due date as of now; other actions stay as they are."""
    if not (isinstance(action, SetField) and isinstance(action.value, Due)):
        return action
    due = action.value
    if due.key is None:
        return replace(action, wanted=_text(due.when, now))
    cases = ["WHEN " + value(key) + " THEN " + _text(when, now) for key, when in due.table.items()]
    wanted = "CASE " + due.key + " " + join(" ", cases) + " ELSE " + _text(due.when, now) + " END"
    decides = "(coalesce(" + due.key + ", '') <> '')"
    if not due.has_default:
        keys = [value(key) for key in due.table]
        decides = "coalesce(" + due.key + " IN (" + join(", ", keys) + "), false)"
    return replace(action, wanted=wanted, decides=decides)


def moments(action: Action) -> tuple[Moment | None, ...]:
    """List the instants that an action may set."""
    due = action.value if isinstance(action, SetField) else None
    return tuple(_moments(due)) if isinstance(due, Due) else ()


def instants(when: Condition, actions: Iterable[Action]) -> Iterator[object]:
    """Yield what a rule compares with and may set: some of it may be counted from now."""
    for one in compares(when):
        yield from one.values
    for action in actions:
        yield from moments(action)


def shown(instant: Sql) -> Sql:
    """Write a TIMESTAMP as the plan shows it, to the second: Zoho may keep no more."""
    return "strftime(" + instant + ", '%Y-%m-%d %H:%M:%S')"


def _moments(due: Due) -> Iterator[Moment | None]:
    yield due.when
    yield from due.table.values()


def _text(moment: Moment | None, now: Now) -> Sql:
    if moment is None:
        return _NOTHING
    if isinstance(moment, Relative):
        late = shown(
            "date_trunc('minute', " + now.sql(moment) + " + INTERVAL 59999999 MICROSECOND)"
        )
        return "coalesce(" + shown(Sql("t.due")) + ", " + late + ")"
    return "CAST(" + value(f"{naive(moment):%Y-%m-%d %H:%M:%S}") + " AS VARCHAR)"


def _moment(node: Node, notes: Notes) -> tuple[Moment | None, bool]:
    """Read one value; False where a problem was noted."""
    if node.scalar and node.value is None:
        return None, True
    moment = read_moment(node.text) if node.scalar else None
    if moment is None:
        notes.add(
            node, f"{node.text!r} is no instant" if node.scalar else "takes an instant", _HINT
        )
    return moment, moment is not None


def _copied(source: Node, parser: Parser, plains: list[RuleField]) -> SetField | None:
    field = parser.field(source) if source.named else None
    if field is None:
        return None
    if field.kind not in ("instant", "any"):
        parser.notes.add(source, f"`{source.text}` is no time", "name a field that holds one")
        return None
    plains.append(field)
    instant = typed(field, "instant")
    wanted = shown(instant)
    return SetField("due", FieldValue(field.name, wanted), wanted, "(" + instant + " IS NOT NULL)")


def _by_key(source: Node, body: Node, parser: Parser, texts: list[RuleField]) -> Due | None:
    """Read `{lookup: …, in: …, else: …}` with instants as values."""
    notes = parser.notes
    field = parser.field(source) if source.named else None
    if field is not None and field.kind not in ("text", "any"):
        notes.add(source, f"`{source.text}` is not text", "name a field that holds text")
        field = None
    table: dict[str, Moment | None] = {}
    listed = body.get("in")
    for name, wanted in (listed.pairs if listed else None) or ():
        spelt = exactly(fold(name.text))
        if spelt in table:
            notes.add(name, f"{name.text!r} stands twice", "case does not matter here")
        table[spelt] = _moment(wanted, notes)[0]
    if lower := body.key("never_lower"):
        notes.add(lower, "`never_lower` is for priority only", "delete it")
    miss = body.get("else")
    default = _moment(miss, notes)[0] if miss else None
    if field is None:
        return None
    texts.append(field)
    return Due(default, folded(field), table, miss is not None)
