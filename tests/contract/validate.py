"""Checks Desk traffic against the two OpenAPI files beside this module.

`check_request` and `check_answer` raise ContractError with the reason; any test may use
them on its own traffic. `Recorder` is an observer for the sandbox that checks every call
and remembers which operations it saw. Holds only for times in ISO form.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

HERE = Path(__file__).parent
FILES = ("desk-tickets.openapi.json", "desk-people.openapi.json")
# README 3: these are in the text of the fact sheets only
TEXT_ONLY = (
    r"/api/v1/agents/\d+",
    r"/api/v1/departments/\d+",
    r"/api/v1/mailReplyAddress",
    r"/api/v1/deletedAgents",
)
JSON = "application/json"


class ContractError(AssertionError):
    """The call does not fit the contract."""


@dataclass(frozen=True)
class Operation:
    """One operation of one file."""

    file: str
    method: str
    template: str
    spec: dict[str, Any]
    pattern: re.Pattern[str]

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


@cache
def documents() -> dict[str, dict[str, Any]]:
    """Return the parsed OpenAPI files by name."""
    return {name: json.loads((HERE / name).read_text("utf-8")) for name in FILES}


@cache
def registry() -> Registry[Any]:
    """Return the registry that resolves references within the files."""
    return Registry().with_resources(
        (f"urn:{name}", Resource(contents=doc, specification=DRAFT202012))
        for name, doc in documents().items()
    )


@cache
def operations() -> tuple[Operation, ...]:
    """Return all operations, literal paths before templates."""
    found = []
    for file, document in documents().items():
        for template, item in document["paths"].items():
            pattern = re.compile(re.sub(r"\{\w+\}", r"([^/]+)", template))
            found += [
                Operation(file, method.upper(), template, spec, pattern)
                for method, spec in item.items()
                if method in ("get", "post", "patch", "put", "delete")
            ]
    return tuple(sorted(found, key=lambda op: op.template.count("{")))


def find(method: str, path: str) -> list[Operation]:
    """Return the operations that the call is: two where both files describe it."""
    hits = [op for op in operations() if op.method == method and op.pattern.fullmatch(path)]
    least = min((op.template.count("{") for op in hits), default=0)
    return [op for op in hits if op.template.count("{") == least]


def check_request(
    method: str, path: str, query: Mapping[str, list[str]], body: object = None
) -> None:
    """Raise ContractError unless the request fits; path begins with /api/v1."""
    if _text_only(path):
        return
    hits = find(method, path)
    if not hits:
        raise ContractError(f"{method} {path}: no such operation")
    for op in hits:
        _check_query(op, query)
        _check_body(op, body)


def check_answer(method: str, path: str, status: int, body: object) -> None:
    """Raise ContractError unless the answer fits; an empty body is None or ''."""
    hits = find(method, path)
    blank = body in (None, "", b"")
    if status == 204:
        if not blank:
            raise ContractError(f"{method} {path}: 204 with a body")
        return
    if status >= 400:
        file = hits[0].file if hits else FILES[0]
        _validate(file, {"$ref": "#/components/schemas/Error"}, body, f"{method} {path} {status}")
        if isinstance(body, dict) and "errors" in body:
            _validate(FILES[0], {"$ref": "#/components/schemas/InvalidDataError"}, body, path)
        return
    if not hits and not _text_only(path):
        raise ContractError(f"{method} {path}: no such operation")
    for op in hits:
        _check_success(op, status, None if blank else body)


def _check_success(op: Operation, status: int, body: object) -> None:
    answer = op.spec["responses"].get(str(status))
    if answer is None:
        raise ContractError(f"{op.name}: status {status} is not declared")
    schema = _deref(op.file, answer).get("content", {}).get(JSON, {}).get("schema")
    if schema is None:
        if body is not None:
            raise ContractError(f"{op.name}: {status} must be empty")
        return
    _validate(op.file, schema, body, f"{op.name} {status}")


def _text_only(path: str) -> bool:
    return any(re.fullmatch(pattern, path) for pattern in TEXT_ONLY)


def _deref(file: str, node: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in node:
        found: Any = documents()[file]
        for part in node["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        node = found
    return node


def _parameters(op: Operation) -> Iterator[dict[str, Any]]:
    for node in op.spec.get("parameters", []):
        yield _deref(op.file, node)


def _check_query(op: Operation, query: Mapping[str, list[str]]) -> None:
    known = {p["name"]: p for p in _parameters(op) if p["in"] == "query"}
    for name, values in query.items():
        if name not in known:
            raise ContractError(f"{op.name}: query parameter {name} is not declared")
        schema = known[name].get("schema", {})
        value = _typed(",".join(values), _deref(op.file, schema))
        _validate(op.file, schema, value, f"{op.name} ?{name}")
    for name, spec in known.items():
        if spec.get("required") and name not in query:
            raise ContractError(f"{op.name}: query parameter {name} is missing")


def _typed(raw: str, schema: dict[str, Any]) -> object:
    """Read a query text as the schema's type: lists are comma separated."""
    kinds = schema.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "array" in kinds:
        items = schema.get("items", {})
        return [_typed(part, items) for part in raw.split(",")]
    if "integer" in kinds and re.fullmatch(r"-?\d+", raw):
        return int(raw)
    if "boolean" in kinds and raw in ("true", "false"):
        return raw == "true"
    return raw


def _check_body(op: Operation, body: object) -> None:
    spec = op.spec.get("requestBody")
    if spec is None:
        if body not in (None, "", b"", {}):
            raise ContractError(f"{op.name}: takes no body")
        return
    if body in (None, "", b""):
        if spec.get("required"):
            raise ContractError(f"{op.name}: needs a body")
        return
    _validate(op.file, spec["content"][JSON]["schema"], body, f"{op.name} body")


@cache
def _validator(file: str, text: str) -> Draft202012Validator:
    schema = _absolute(json.loads(text), file)
    return Draft202012Validator(schema, registry=registry())


def _absolute(node: Any, file: str) -> Any:
    if isinstance(node, dict):
        return {k: f"urn:{file}{v}" if k == "$ref" else _absolute(v, file) for k, v in node.items()}
    return [_absolute(item, file) for item in node] if isinstance(node, list) else node


def _validate(file: str, schema: dict[str, Any], value: object, where: str) -> None:
    error = next(_validator(file, json.dumps(schema, sort_keys=True)).iter_errors(value), None)
    if error is not None:
        deepest = error
        while deepest.context:
            deepest = max(deepest.context, key=lambda e: len(e.absolute_path))
        raise ContractError(f"{where}: {deepest.json_path}: {deepest.message[:300]}")


@dataclass
class Recorder:
    """Observer for the sandbox: checks every Desk call, collects problems and coverage.

    `answers` False: only what is asked, for a portal whose answers hold less than the schemas say.
    """

    answers: bool = True
    problems: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __call__(  # noqa: PLR0917 - the signature of an observer
        self,
        method: str,
        path: str,
        query: dict[str, list[str]],
        headers: dict[str, str],
        body: bytes,
        status: int,
        answer: bytes,
    ) -> None:
        if not path.startswith("/api/v1/"):
            return
        self.seen |= {f"{op.name} {status}" for op in find(method, path)}
        try:
            if status < 300:  # a refused request may well break the contract
                check_request(method, path, query, json.loads(body) if body else None)
            if (
                self.answers and "fields" not in query
            ):  # it replaces the projection, required keys too (DT 2)
                check_answer(method, path, status, json.loads(answer) if answer else None)
        except ContractError as problem:
            self.problems.append(str(problem))
