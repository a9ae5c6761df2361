"""The source of a template → a program that can reach nothing but plain values.

Owns: what a template may say (names, `if`, a few filters). Promises: no attribute, call, loop,
file or global is reachable, because what is not on a short list is refused, and each dotted name
becomes one plain variable before anything is compiled. Must not: know fields or records.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, nodes
from jinja2.environment import Template as Program
from jinja2.sandbox import ImmutableSandboxedEnvironment

from zdsync.rules.nodes import near

LONGEST = 10_000  # characters of a template
_ALLOWED = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr),
    *(nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Concat, nodes.Add),
    *(nodes.Sub, nodes.List, nodes.Tuple),
)
_WORDS: Mapping[type[nodes.Node], str] = {
    nodes.For: "a loop",
    nodes.Call: "a call",
    nodes.Getitem: "[…] behind a name",
    nodes.Assign: "`set`",
    nodes.Test: "a test with `is`",
    nodes.Mul: "`*`",
    nodes.Pow: "`**`",
    nodes.Include: "`include`",
    nodes.Import: "`import`",
    nodes.Macro: "a macro",
}


class Refused(Exception):
    """Something in the source that a template may not hold; `token` is what offends."""

    def __init__(self, what: str, hint: str, token: str = "") -> None:
        super().__init__(what)
        self.what, self.hint, self.token = what, hint, token


class Blank(Exception):
    """A field that a text prints is empty."""


@lru_cache(maxsize=512)
def program(source: str, html: bool, whole: bool = False) -> Program:
    """Compile a checked source; with `whole` it raises Blank rather than print nothing.

    Raises Refused.
    """
    tree, _ = parsed(source)
    environment = _environment(html, whole)
    try:
        code = environment.compile(tree, "template", "template")
    except (SyntaxError, RecursionError, MemoryError, ValueError):
        raise Refused("this template is nested too deep", "write it simpler") from None
    return Program.from_code(environment, code, {})


@lru_cache(maxsize=4)
def _environment(html: bool, whole: bool = False) -> ImmutableSandboxedEnvironment:
    made = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=html,
        finalize=_something if whole else shown,
        cache_size=0,
    )
    made.globals.clear()
    made.tests.clear()
    made.filters.clear()
    made.filters.update(_FILTERS)
    return made


def parsed(source: str) -> tuple[nodes.Template, tuple[str, ...]]:
    """The tree with every dotted name as one variable, and those names. Raises Refused."""
    if len(source) > LONGEST:
        raise Refused(f"a template has at most {LONGEST} characters", "write it shorter")
    try:
        tree = _environment(False).parse(source)
        names: dict[str, int] = {}
        _check(tree, names)
    except TemplateSyntaxError as error:
        what = f"this template cannot be read: {error.message or 'a mistake'}"
        raise Refused(what, "write a field as {{ subject }}") from None
    except RecursionError:
        raise Refused("this template is nested too deep", "write it simpler") from None
    return tree, tuple(names)


def _check(node: nodes.Node, names: dict[str, int]) -> None:
    """Refuse what is not on the list, and rename what is a field."""
    for key, value in node.iter_fields():
        if isinstance(value, nodes.Node):
            setattr(node, key, _checked(value, names))
        elif isinstance(value, list):
            kept = [_checked(one, names) if isinstance(one, nodes.Node) else one for one in value]
            setattr(node, key, kept)


def _checked(node: nodes.Node, names: dict[str, int]) -> nodes.Node:
    if isinstance(node, nodes.Name | nodes.Getattr):
        name = _dotted(node)
        return nodes.Name(variable(names.setdefault(name, len(names))), "load", lineno=node.lineno)
    if isinstance(node, nodes.Filter):
        _check_filter(node)
    elif not isinstance(node, _ALLOWED):
        what = _WORDS.get(type(node), f"`{type(node).__name__.lower()}`")
        raise Refused(f"{what} is not allowed in a template", "use fields, `if` and filters")
    _check(node, names)
    return node


def _dotted(node: nodes.Node) -> str:
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    if not isinstance(node, nodes.Name) or node.ctx != "load":
        hint = "a dot belongs into the name of a field"
        raise Refused("an attribute is not allowed in a template", hint)
    return ".".join([node.name, *reversed(parts)])


def _check_filter(node: nodes.Filter) -> None:
    if node.name not in _FILTERS:
        what = f"no filter `{node.name}` in a template"
        raise Refused(what, near(node.name, list(_FILTERS)), node.name)
    plain = all(isinstance(one, nodes.Const) for one in node.args)
    if node.node is None or node.kwargs or node.dyn_args or node.dyn_kwargs or not plain:
        raise Refused(f"the filter `{node.name}` takes plain values only", "such as truncate(80)")


def variable(place: int) -> str:
    """The variable that stands for the name at this place."""
    return f"v{place}"


def shown(value: Any) -> Any:
    """What stands in the text for a value: nothing for an empty one."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(value) if isinstance(value, tuple) else value


def _something(value: Any) -> Any:
    if value in ("", (), None):
        raise Blank
    return shown(value)


# -- filters -----------------------------------------------------------------------------------


def _cut(value: Any, most: int = 100) -> Any:
    text = str(shown(value))
    return text if len(text) <= most else text[: max(0, most - 1)] + "…"


def _cased(change: Callable[[str], str]) -> Callable[[Any], str]:
    return lambda value: change(str(shown(value)))


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "upper": _cased(str.upper),
    "lower": _cased(str.lower),
    "capitalize": _cased(str.capitalize),
    "trim": _cased(str.strip),
    "truncate": _cut,
    "default": lambda value, other="": shown(value) if value not in ("", ()) else other,
    "join": lambda value, by=", ": by[:10].join(value) if isinstance(value, tuple) else value,
    "date": lambda value: str(value)[:10],
    "round": lambda value, digits=0: round(value, digits) if digits else round(value),
}
