"""`sql:` conditions: DuckDB's syntax tree → SQL written anew over the fields of the language.

Promises: only node kinds, types and functions that are listed here get through; each literal is
bound; what stands in the result comes from this module and the field catalog. Every problem is
noted at its place. A cast that fails and a division by zero give null, and null is false.
Must not: put any of the author's text into SQL.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from zdsync.grammar import Fault, Tree, complaint, parse, place_of
from zdsync.rules.condition import AS_OF, Expression
from zdsync.rules.fields import RuleField, typed
from zdsync.rules.functions import FUNCTIONS, OPERATORS, TYPES
from zdsync.rules.nodes import Node, Notes, near
from zdsync.sql import Sql, ident, join, value

LONGEST = 2_000  # characters of an expression
_DEEPEST = 60
_COMPARED = {
    "COMPARE_EQUAL": "=", "COMPARE_NOTEQUAL": "<>", "COMPARE_LESSTHAN": "<",
    "COMPARE_GREATERTHAN": ">", "COMPARE_LESSTHANOREQUALTO": "<=",
    "COMPARE_GREATERTHANOREQUALTO": ">=", "COMPARE_DISTINCT_FROM": "IS DISTINCT FROM",
    "COMPARE_NOT_DISTINCT_FROM": "IS NOT DISTINCT FROM",
}  # fmt: skip
_NOW = Sql("CAST(? AS TIMESTAMP)", (AS_OF,))
_TODAY = "CAST(" + _NOW + " AS DATE)"
# Words and functions that read the clock: here they are the instant of the plan.
_CLOCK = {
    "now": _NOW, "current_timestamp": _NOW, "get_current_timestamp": _NOW,
    "localtimestamp": _NOW, "current_localtimestamp": _NOW, "today": _TODAY,
    "current_date": _TODAY,
}  # fmt: skip
_REFUSED = {
    "SUBQUERY": "a subquery is not allowed here",
    "WINDOW": "a window function is not allowed here",
    "LAMBDA": "a lambda is not allowed here",
    "PARAMETER": "a parameter has no value here",
    "STAR": "`*` names no field",
}
_COLUMN_TYPES = {
    "text": "VARCHAR", "any": "VARCHAR", "number": "DOUBLE", "bool": "BOOLEAN",
    "instant": "TIMESTAMP", "set": "VARCHAR[]",
}  # fmt: skip
_SOME_TIME = datetime(2000, 1, 1)  # noqa: DTZ001 - a naive UTC TIMESTAMP, to be typed only
_MADE_UP = {
    "VARCHAR": "x", "DOUBLE": 1.0, "BOOLEAN": True, "TIMESTAMP": _SOME_TIME, "VARCHAR[]": ["x"],
    "JSON": "{}",
}  # fmt: skip
_SCALAR_TYPES = {"VARCHAR": str, "BOOLEAN": bool, "INTEGER": int, "BIGINT": int, "DOUBLE": float}
FieldOf = Callable[[Node], RuleField | None]


def read_expression(node: Node, notes: Notes, field_of: FieldOf) -> Expression | None:
    """Read the text of one `sql:`; None where a problem was noted."""
    text = node.text
    if not node.named or not text.strip() or len(text) > LONGEST:
        notes.add(node, "`sql` takes one expression as text", f"at most {LONGEST} characters")
        return None
    before = len(notes.found)
    found = parse(text)
    if isinstance(found, Fault):
        spot = node.inside(found.at) if found.at is not None else node
        notes.add(spot, f"this is no SQL expression: {found.what}", "write one condition")
        return None
    reader = _Reader(node, notes, field_of)
    expression = reader.split(found, 0)
    return None if len(notes.found) > before else expression


@dataclass(slots=True)
class _Reader:
    """Writes one tree anew; `fields` gathers what the present part reads."""

    node: Node
    notes: Notes
    field_of: FieldOf
    fields: dict[str, RuleField] = field(default_factory=dict)

    def split(self, tree: Tree, depth: int) -> Expression:
        """AND and OR at the top become parts: each is judged, and fails, for itself."""
        if tree["class"] == "CONJUNCTION" and depth < _DEEPEST:
            parts = tuple(self.split(child, depth + 1) for child in tree["children"])
            fields = {one.name: one for part in parts for one in part.fields}
            word = "all" if tree["type"] == "CONJUNCTION_AND" else "any"
            return self._made(fields.values(), Sql(""), parts, word)
        self.fields = {}
        before = len(self.notes.found)
        sql = self.write(tree, depth)
        made = self._made(self.fields.values(), sql, (), "all")
        if len(self.notes.found) == before:
            self._type(tree, made)
        return made

    def _made(
        self, fields: Iterable[RuleField], sql: Sql, parts: tuple[Expression, ...], word: Any
    ) -> Expression:
        where = f"{self.notes.file}:{self.node.line}:{self.node.column}"
        return Expression(tuple(fields), sql, parts, word, f"sql {self.node.text}", where)

    def _type(self, tree: Tree, made: Expression) -> None:
        said = complaint(made.tried(_SOME_TIME), _relation(made.fields))
        if said:
            spot = self._spot(tree)
            self.notes.add(spot, f"DuckDB cannot use this: {said}", "cast the value, or compare it")

    def write(self, tree: Tree, depth: int) -> Sql:
        """Write one node; a refused one is noted and written as null."""
        if depth > _DEEPEST:
            return self._refuse(tree, "this is nested too deep", f"at most {_DEEPEST} levels")
        match tree["class"]:
            case "CONSTANT":
                return self._constant(tree)
            case "COLUMN_REF":
                return self._column(tree)
            case "COMPARISON" if tree["type"] in _COMPARED:
                sides = self._all([tree["left"], tree["right"]], depth)
                return "(" + join(f" {_COMPARED[tree['type']]} ", sides) + ")"
            case "CONJUNCTION":
                word = " AND " if tree["type"] == "CONJUNCTION_AND" else " OR "
                truths = [self._truth(one, depth) for one in tree["children"]]
                return "(" + join(word, truths) + ")"
            case "BETWEEN":
                input, low, high = self._all([tree["input"], tree["lower"], tree["upper"]], depth)
                return "(" + input + " BETWEEN " + low + " AND " + high + ")"
            case "OPERATOR":
                return self._operator(tree, depth)
            case "CASE":
                return self._case(tree, depth)
            case "CAST":
                return self._cast(tree, depth)
            case "FUNCTION":
                return self._function(tree, depth)
        what = _REFUSED.get(tree["class"], f"{tree['type'].lower()} is not allowed here")
        return self._refuse(tree, what, "compare fields with values")

    def _all(self, trees: Sequence[Tree], depth: int) -> list[Sql]:
        return [self.write(one, depth + 1) for one in trees]

    def _truth(self, tree: Tree, depth: int) -> Sql:
        """Write an operand that must be true or false: an implicit cast may fail beyond TRY."""
        before = len(self.notes.found)
        sql = self.write(tree, depth + 1)
        if len(self.notes.found) == before and sql.text != "NULL":
            self._type(tree, self._made(self.fields.values(), sql, (), "all"))
        return sql

    def _constant(self, tree: Tree) -> Sql:
        found = tree["value"]
        kind, item = found["type"]["id"], found.get("value")
        if found["is_null"]:
            return Sql("NULL")
        if kind == "DECIMAL" and isinstance(item, int):
            kind, item = "DOUBLE", item / 10 ** found["type"]["type_info"]["scale"]
        wanted = _SCALAR_TYPES.get(kind)
        if wanted is None or not isinstance(item, wanted | int) or not _finite(item):
            return self._refuse(tree, f"a value of type {kind} is not allowed here", "")
        return "CAST(" + value(item) + f" AS {kind})"

    def _column(self, tree: Tree) -> Sql:
        name = ".".join(tree["column_names"])
        if name.lower() in _CLOCK:
            return _CLOCK[name.lower()]
        found = self.field_of(self._spot(tree, name))
        if found is None:
            return Sql("NULL")
        self.fields[found.name] = found
        return _column(found)

    def _operator(self, tree: Tree, depth: int) -> Sql:
        if tree["type"] == "OPERATOR_NOT":
            return "(NOT " + self._truth(tree["children"][0], depth) + ")"
        some = self._all(tree.get("children", ()), depth)
        match tree["type"]:
            case "OPERATOR_IS_NULL":
                return "(" + some[0] + " IS NULL)"
            case "OPERATOR_IS_NOT_NULL":
                return "(" + some[0] + " IS NOT NULL)"
            case "COMPARE_IN" | "COMPARE_NOT_IN" as word:
                no = " NOT" if word == "COMPARE_NOT_IN" else ""
                return "(" + some[0] + f"{no} IN (" + join(", ", some[1:]) + "))"
            case "OPERATOR_COALESCE":
                return "coalesce(" + join(", ", some) + ")"
            case "OPERATOR_TRY":
                return "TRY(" + some[0] + ")"
        return self._refuse(tree, f"{tree['type'].lower()} is not allowed here", "")

    def _case(self, tree: Tree, depth: int) -> Sql:
        arms = [
            " WHEN "
            + self._truth(one["when_expr"], depth)
            + " THEN "
            + self.write(one["then_expr"], depth + 1)
            for one in tree["case_checks"]
        ]
        other = self.write(tree["else_expr"], depth + 1)
        return "(CASE" + join("", arms) + " ELSE " + other + " END)"

    def _cast(self, tree: Tree, depth: int) -> Sql:
        child = self.write(tree["child"], depth + 1)
        kind = TYPES.get(tree["cast_type"]["id"])
        if kind is None:
            what = f"a cast to {tree['cast_type']['id']} is not allowed here"
            return self._refuse(tree, what, "known: " + ", ".join(sorted(set(TYPES.values()))))
        return "TRY_CAST(" + child + f" AS {kind})"

    def _function(self, tree: Tree, depth: int) -> Sql:
        name, children = tree["function_name"].lower(), tree.get("children", ())
        plain = not (tree["distinct"] or "filter" in tree or tree["order_bys"].get("orders"))
        if name in _CLOCK and not children:
            return _CLOCK[name]
        if not plain or not (name in FUNCTIONS or (name, len(children)) in OPERATORS):
            hint = near(name, sorted(FUNCTIONS), "it is not on the list of functions")
            return self._refuse(tree, f"the function `{name}` is not allowed here", hint, name)
        some = self._all(children, depth)
        sign = OPERATORS.get((name, len(some)))
        if sign is None:
            return f"{FUNCTIONS[name]}(" + join(", ", some) + ")"
        if len(some) == 1:
            return f"({sign} " + some[0] + ")"
        if sign in ("/", "//", "%"):
            some[1] = "nullif(" + some[1] + ", 0)"
        return "(" + join(f" {sign} ", some) + ")"

    def _refuse(self, tree: Tree, what: str, hint: str, name: str = "") -> Sql:
        self.notes.add(self._spot(tree, name), what, hint)
        return Sql("NULL")

    def _spot(self, tree: Tree, name: str = "") -> Node:
        """The place of a part; of one that DuckDB made up, that of its first child that has one."""
        places = (place_of(one, self.node.text) for one in _within(tree))
        at = next((place for place in places if place is not None), None)
        spot = self.node.inside(at) if at is not None else self.node
        return Node(name or spot.text, name or spot.text, spot.line, spot.column)


def _within(tree: Any) -> Iterator[Tree]:
    """A node and all below it, in the order of the text."""
    if isinstance(tree, Mapping):
        if "class" in tree:
            yield dict(tree)
        for child in tree.values():
            yield from _within(child)
    elif isinstance(tree, list):
        for child in tree:
            yield from _within(child)


def _column(found: RuleField) -> Sql:
    """The value of a field: empty text is null, numbers are DOUBLE, instants naive UTC."""
    if found.kind in ("text", "any"):
        return "nullif(CAST(" + found.raw + " AS VARCHAR), '')"
    if found.kind == "set":
        return found.raw
    return "CAST(" + typed(found, found.kind) + f" AS {_COLUMN_TYPES[found.kind]})"


def _relation(fields: Iterable[RuleField]) -> Sql:
    """Two made-up rows of the columns that the fields stand on: an empty one and a full one."""
    columns: dict[str, str] = {"subject": "VARCHAR", "description": "VARCHAR"}
    for one in fields:
        if one.name != "text":
            columns[one.column] = "JSON" if one.path is not None else _COLUMN_TYPES[one.kind]
    rows = [_row(columns, made_up) for made_up in ({}, _MADE_UP)]
    return "(" + join(" UNION ALL ", rows) + ") AS t"


def _row(columns: Mapping[str, str], made_up: Mapping[str, Any]) -> Sql:
    cells = [
        "CAST(" + value(made_up.get(kind)) + f" AS {kind}) AS {ident(name)}"
        for name, kind in columns.items()
    ]
    return "SELECT " + join(", ", cells)


def _finite(item: Any) -> bool:
    return not isinstance(item, float) or math.isfinite(item)
