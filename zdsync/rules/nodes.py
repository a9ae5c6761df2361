"""Strict YAML 1.2 with the position of every node.

Owns: reading the text of a rules file into Nodes, and turning a position into a Problem. Refuses
what YAML allows but an admin does not mean: two equal keys, anchors, merge keys, tags, directives.
Must not: know what a rule is.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.reader import ReaderError

from zdsync.errors import Kind, Problem
from zdsync.model import Scalar

_DEEPEST = 40
_WORD = re.compile(r"[\w.]+|\S")


@dataclass(frozen=True, slots=True)
class Node:
    """A scalar, a list or a mapping of the file; line and column count from 1.

    `text` is a scalar's own spelling, so that `1.10` can be read as text where text is wanted.
    """

    value: Scalar = None
    text: str = ""
    line: int = 1
    column: int = 1
    items: tuple[Node, ...] | None = None
    pairs: tuple[tuple[Node, Node], ...] | None = None
    width: int = 0  # columns of a scalar on one line, with its quotes; 0 for others

    def inside(self, at: int) -> Node:
        """The word at a character of the text; where lines or escapes forbid it, at the start."""
        found = _WORD.match(self.text, at) or _WORD.search(self.text)
        word = found.group() if found else self.text
        doubled = self.text.count("'")
        column = self.column
        if self.width == len(self.text):
            column += at
        elif self.width == len(self.text) + 2:
            column += at + 1
        elif self.width == len(self.text) + 2 + doubled:  # '' stands for one
            column += at + 1 + self.text[:at].count("'")
        return Node(word, word, self.line, column)

    @property
    def named(self) -> bool:
        """Whether this is a word, and not empty: what a name must be."""
        return self.scalar and self.value is not None and not isinstance(self.value, bool)

    @property
    def scalar(self) -> bool:
        return self.items is None and self.pairs is None

    def get(self, key: str) -> Node | None:
        """Find the value of a key of a mapping."""
        return next((value for name, value in self.pairs or () if name.text == key), None)

    def key(self, key: str) -> Node | None:
        """Find the node of the key itself."""
        return next((name for name, _ in self.pairs or () if name.text == key), None)

    def plain(self) -> Any:
        """Turn into plain Python, as pydantic reads it."""
        if self.pairs is not None:
            return {name.text: value.plain() for name, value in self.pairs}
        if self.items is not None:
            return [item.plain() for item in self.items]
        return self.value


@dataclass(slots=True)
class Notes:
    """Collects the problems of one file, wherever they are found."""

    file: str
    found: list[tuple[int, int, Problem]] = field(default_factory=list)
    remarks: list[tuple[int, int, Problem]] = field(default_factory=list)  # nothing to mend

    def add(self, node: Node, what: str, hint: str = "", kind: Kind = "file") -> None:
        """Note a problem at a node; the same one at the same place counts once."""
        self._keep(self.found, node, what, hint, kind)

    def remark(self, node: Node, what: str, hint: str = "") -> None:
        """Note what is worth knowing, and right."""
        self._keep(self.remarks, node, what, hint, "file")

    def _keep(
        self, notes: list[tuple[int, int, Problem]], at: Node, what: str, hint: str, kind: Kind
    ) -> None:
        text = at.text if at.scalar else ""
        where = f"{self.file}:{at.line}:{at.column}"
        problem = Problem(where, what, hint, text[:80], kind=kind)
        if all(seen != problem for _, _, seen in notes):
            notes.append((at.line, at.column, problem))

    def problems(self) -> tuple[Problem, ...]:
        """List all problems, in the order of the file."""
        return in_order(self.found)


def in_order(notes: Sequence[tuple[int, int, Problem]]) -> tuple[Problem, ...]:
    """Sort notes by line and column."""
    return tuple(problem for _, _, problem in sorted(notes, key=lambda entry: entry[:2]))


def near(name: str, known: Sequence[str], otherwise: str = "") -> str:
    """Word a hint that names what was probably meant, folding case."""
    by_fold = {item.casefold(): item for item in known}
    close = get_close_matches(name.casefold(), list(by_fold), n=3, cutoff=0.6)
    if close:
        return "did you mean " + " or ".join(by_fold[item] for item in close) + "?"
    if otherwise or not by_fold:
        return otherwise
    few = sorted(set(by_fold.values()), key=str.casefold)
    return "known: " + ", ".join(few[:12]) + (", …" if len(few) > 12 else "")


def true_or_false(said: str) -> str:
    """Word a hint for what is neither; other readers of YAML take `no` for false."""
    meant = _MEANT.get(said.strip().casefold())
    return f"write `{meant}`, not `{said}`" if meant else "write `true` or `false`"


_MEANT = dict.fromkeys(("yes", "on", "y", "1"), "true")
_MEANT |= dict.fromkeys(("no", "off", "n", "0"), "false")


def read_yaml(text: str, notes: Notes) -> Node | None:
    """Read one YAML document; None where it cannot be read at all (then `notes` says why)."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        notes.add(Node(line=line, column=column, text=_line(text, line)), *_explain(error))
        return None
    except ReaderError as error:
        before = text[: error.position]
        spot = Node(
            line=before.count("\n") + 1, column=len(before) - before.rfind("\n"), text="control"
        )
        notes.add(spot, "a control character is not allowed here", "delete it")
        return None
    except (RecursionError, YAMLError, ValueError):
        notes.add(Node(), "this is not readable as YAML", "is it nested too deep?")
        return None
    return _accept(root, text, notes)


def _accept(root: Any, text: str, notes: Notes) -> Node | None:
    before = len(notes.found)
    directive = re.search(r"^%\w+.*$", text, re.MULTILINE)
    if directive:
        line = text.count("\n", 0, directive.start()) + 1
        spot = Node(line=line, text=directive.group())
        notes.add(spot, "a YAML directive is not allowed", "delete this line")
    if root is None:
        notes.add(Node(), "the file is empty", "start with `version: 1` and `rules:`")
        return None
    _refuse_anchors(root, notes)
    return _convert(root, notes, 0) if len(notes.found) == before else None


def _refuse_anchors(root: Any, notes: Notes) -> None:
    # Aliases make a tree that grows without bound when walked: refuse before walking it twice.
    seen: set[int] = set()
    stack = [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.anchor:
            notes.add(
                _at(node, f"&{node.anchor}"),
                "anchors and aliases are not allowed",
                "write the value in both places, or name it under `lists:`",
            )
        if isinstance(node.value, list):
            stack.extend(_children(node))


def _children(node: Any) -> Iterator[Any]:
    for child in node.value:
        yield from child if isinstance(child, tuple) else (child,)


def _convert(node: Any, notes: Notes, depth: int) -> Node:
    kind = node.tag.rpartition(":")[2]
    if depth > _DEEPEST:
        notes.add(_at(node), "nested too deep", f"at most {_DEEPEST} levels")
        return _at(node)
    if node.tag.startswith("!"):
        notes.add(_at(node, node.tag), "YAML tags are not allowed", "delete the word after `!`")
    if not isinstance(node.value, list):
        return _at(node, node.value, _scalar(kind, node.value))
    spot = _at(node)
    if node.id == "sequence":
        items = tuple(_convert(item, notes, depth + 1) for item in node.value)
        return Node(line=spot.line, column=spot.column, items=items)
    pairs = tuple(
        (_convert(key, notes, depth + 1), _convert(value, notes, depth + 1))
        for key, value in node.value
    )
    _check_keys(pairs, notes)
    kept = tuple(pair for pair in pairs if pair[0].text != "<<")
    return Node(line=spot.line, column=spot.column, pairs=kept)


def _check_keys(pairs: tuple[tuple[Node, Node], ...], notes: Notes) -> None:
    first: dict[str, Node] = {}
    for key, _ in pairs:
        if not key.scalar:
            notes.add(key, "a key must be a plain word")
        elif key.text == "<<":
            notes.add(key, "merge keys are not allowed", "write the keys out")
        elif key.text in first:
            at = first[key.text].line
            notes.add(key, f"the key {key.text!r} stands twice", f"the first is on line {at}")
        first.setdefault(key.text, key)


def _at(node: Any, text: str = "", value: Scalar = None) -> Node:
    mark, end = node.start_mark, node.end_mark
    width = end.column - mark.column if mark.line == end.line else 0
    return Node(value, text, mark.line + 1, mark.column + 1, width=width)


def _scalar(kind: str, text: str) -> Scalar:
    """Read a scalar as YAML 1.2's core does; what is no plain number, bool or null is text."""
    match kind:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int" if re.fullmatch(r"[-+]?[0-9]{1,18}", text):
            return int(text)
        case "float":
            number = float(text) if re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?", text) else None
            return text if number is None or not math.isfinite(number) else number
    return text


def _line(text: str, line: int) -> str:
    lines = text.splitlines()
    return lines[line - 1].strip() if line <= len(lines) else ""


def _explain(error: MarkedYAMLError) -> tuple[str, str]:
    """Say in an admin's words what the YAML reader met, and how to mend it."""
    said = error.problem or error.context or ""
    for sign, what, hint in _YAML_TALK:
        if sign in said:
            return what, hint
    return f"this is not YAML: {said}", "check the indentation, quotes and brackets above this line"


_YAML_TALK = (
    ("'\\t'", "a tab is not allowed here", "indent with spaces"),
    (
        "another document",
        "a second document starts here",
        "keep one document: delete the `---` line",
    ),
    ("undefined alias", "a word that begins with `*` needs quotes", 'write it as "*word"'),
    (
        "expected alphabetic or numeric",
        "a word that begins with `*` or `&` needs quotes",
        'write it as "*word"',
    ),
    (
        "mapping values are not allowed",
        "a colon is not allowed here",
        'put text that holds ": " in quotes',
    ),
    ("unexpected end of stream", "a quote is opened and never closed", "close it on the same line"),
    ("expected ',' or ']'", "a list is opened with `[` and not closed", "add `]` or a comma"),
    ("expected ',' or '}'", "a mapping is opened with `{` and not closed", "add `}` or a comma"),
    ("could not find expected ':'", "a key without a colon", "write `key: value`"),
    (
        "expected <block end>",
        "the indentation does not fit the lines above",
        "align it with its neighbours",
    ),
    ("unknown escape", "a backslash in double quotes starts an escape", "use single quotes"),
    ("cannot start any token", "this character cannot start a value", "put the value in quotes"),
)
