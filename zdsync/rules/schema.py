"""The JSON Schema (draft 2020-12) of `rules.yaml`, for editors.

Made from the models of the shape and from the catalog of fields and operators; every key has a
description. It is wider than `check` where a schema cannot tell (names of the portal, tags,
patterns). Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel

from zdsync.rules.described import (
    CUSTOM_SAID,
    EXPECTED_SAID,
    FIELDS_SAID,
    GROUPS_SAID,
    OPERATORS_SAID,
    WORDED_SAID,
)
from zdsync.rules.fields import FIELDS, SETTABLE
from zdsync.rules.given import EXPECTED, SAID
from zdsync.rules.models import FileModel, LimitsModel, RuleModel
from zdsync.rules.operands import LISTED, OPERATORS, Kind

Schema = dict[str, Any]

_WORD: Schema = {"type": ["string", "number"]}
_VALUE: Schema = {"type": ["string", "number", "boolean", "null"]}
# What a value of a field may be, by the kind of the field; null is empty.
_VALUES: Mapping[str, Schema] = {
    "text": {"type": ["string", "number", "null"]},
    "number": {"type": ["number", "null"]},
    "bool": {"type": ["boolean", "null"]},
    "instant": {"type": ["string", "null"]},
    "set": _WORD,
    "any": _VALUE,
}
_NAMED: Schema = {"$ref": "#/$defs/named_list"}
_KINDS: tuple[Kind, ...] = ("text", "number", "bool", "instant", "set")
_BOTH = ("starts_with", "ends_with")  # a word, or several
_OTHER = ("is", "is_not", "gt", "gte", "lt", "lte", "before", "after")


def rules_schema() -> Schema:
    """Return the schema of a whole rules file."""
    made = FileModel.model_json_schema(by_alias=True)
    definitions: Schema = made.setdefault("$defs", {})
    _loosen(made)
    for model in (RuleModel, LimitsModel):
        _patterns(model, definitions[model.__name__]["properties"])
    _actions(definitions["ActionModel"])
    rule = definitions["RuleModel"]["properties"]
    rule["when"] = {"$ref": "#/$defs/condition", "description": rule["when"]["description"]}
    rule["examples"]["items"] = {"$ref": "#/$defs/example"}
    definitions.update(_conditions())
    definitions["example"] = _example()
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "rules.yaml of zdsync",
        "description": "What zdsync does to tickets. `zdsync check` finds what this cannot.",
    }
    return {**head, **{key: value for key, value in made.items() if key not in head}}


def _loosen(node: Any) -> None:
    """Let a number stand where text is wanted, as the reader does; drop what pydantic adds."""
    if isinstance(node, list):
        for item in node:
            _loosen(item)
    if not isinstance(node, dict):
        return
    if node.get("type") == "string" and node.get("maxLength") == 2000:
        node["type"] = ["string", "number"]
    if isinstance(node.get("title"), str):
        del node["title"]
    for item in node.values():
        _loosen(item)


def _patterns(model: type[BaseModel], properties: Schema) -> None:
    """Put back the patterns that pydantic leaves out where a value is turned into text first."""
    for name, field in model.model_fields.items():
        for one in field.metadata:
            pattern = getattr(one, "pattern", None)
            if pattern:
                properties[field.alias or name]["pattern"] = pattern


def _actions(model: Schema) -> None:
    """One key an action, with a value, or the bare word `spam`."""
    keys: Schema = {}
    for name, body in model["properties"].items():
        choices = [one for one in body.pop("anyOf", ()) if one.get("type") != "null"]
        body.pop("default", None)
        keys[name] = {**body, **({"anyOf": choices} if choices else {})}
    model.update(properties=keys, minProperties=1, maxProperties=1)
    mapping = {key: model.pop(key) for key in list(model) if key != "description"}
    model["anyOf"] = [{"const": "spam"}, mapping]


def _conditions() -> Schema:
    """The definitions of conditions: fields, groups, operators by kind."""
    parts = {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/condition"}}
    groups = {name: {**parts, "description": GROUPS_SAID[name]} for name in ("all", "any", "none")}
    signal = _object(
        {
            "points": {"type": "number", "description": "What the signal counts; may be negative."},
            "when": {"$ref": "#/$defs/condition", "description": "When it counts."},
        },
        required=["points", "when"],
    )
    signals = {"type": "array", "minItems": 1, "items": signal, "description": "The signals."}
    least = {"type": "number", "description": "The points that must be reached."}
    score = _object({"at_least": least, "of": signals}, required=["at_least", "of"])
    keys = {
        **groups,
        "score": {**score, "description": GROUPS_SAID["score"]},
        "sql": {"type": "string", "description": GROUPS_SAID["sql"]},
        **{name: _field(name) for name in FIELDS},
    }
    condition = {**_object(keys), "patternProperties": _custom("any"), "minProperties": 1}
    named = _object({"list": {**_WORD, "description": "A list under `lists`."}}, ["list"])
    other = _object({"field": {"type": "string", "description": "Another field."}}, ["field"])
    tests = {f"test_{kind}": _test(OPERATORS[kind], kind) for kind in _KINDS}
    tests["test_any"] = _test(OPERATORS_SAID, "any")
    return {"condition": condition, "named_list": named, "other_field": other, **tests}


def _field(name: str) -> Schema:
    return {"$ref": f"#/$defs/test_{FIELDS[name].kind}", "description": FIELDS_SAID[name]}


def _custom(kind: str) -> Schema:
    """Custom fields by pattern."""
    return {
        "^" + prefix.replace(".", r"\.") + r"\w{1,100}$": {
            "$ref": f"#/$defs/test_{kind}",
            "description": said,
        }
        for prefix, said in CUSTOM_SAID.items()
    }


def _test(operators: Iterable[str], kind: str) -> Schema:
    """What may stand beside a field: a value, a list, or operators."""
    keys = {
        name: {**_operand(name, kind), "description": OPERATORS_SAID[name]} for name in operators
    }
    mapping = {**_object(keys), "minProperties": 1}
    if kind == "set":
        return mapping
    other = {"$ref": "#/$defs/other_field"}
    return {"anyOf": [_VALUES[kind], _several(_VALUES[kind]), _NAMED, other, mapping]}


def _several(value: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": {"anyOf": [value, _NAMED]}}


def _operand(name: str, kind: str) -> Schema:
    value = _VALUES[kind]
    if name == "known":
        return {"type": "boolean"}
    if name == "between":
        return {"type": "array", "minItems": 2, "maxItems": 2, "items": _WORD}
    if name in LISTED or name in _BOTH:
        one = [] if name in ("in", "not_in") else [_WORD]
        return {"anyOf": [*one, _several(value), _NAMED]}
    if name in _OTHER:
        return {"anyOf": [value, {"$ref": "#/$defs/other_field"}]}
    return _WORD


def _example() -> Schema:
    """An example: made-up values, and the changes that are expected."""
    value = {"anyOf": [_VALUE, {"type": "array", "items": _WORD}]}
    fields = {name: {**value, "description": said} for name, said in FIELDS_SAID.items()}
    custom = {
        pattern: {**value, "description": entry["description"]}
        for pattern, entry in _custom("any").items()
    }
    tags = {"add": _tags("Tags that are added."), "remove": _tags("Tags that are removed.")}
    names = {name: {**_VALUE, "description": EXPECTED_SAID} for name in (*EXPECTED, *SETTABLE)}
    worded = {"anyOf": [{"const": True}, {"type": "string"}], "description": WORDED_SAID}
    names |= dict.fromkeys(SAID, worded)
    names["tags"] = {
        "anyOf": [{"type": "array", "items": _WORD}, _object(tags)],
        "description": "Tags that are added; or add and remove.",
    }
    own = {pattern: custom[pattern] for pattern in custom if pattern.startswith(r"^cf\.")}
    expect = {**_object(names), "patternProperties": own}
    keys = {
        "given": {
            **_object(fields),
            "patternProperties": custom,
            "description": "The ticket as far as it matters; the rest is empty and open.",
        },
        "expect": {
            "anyOf": [{"const": "nothing"}, expect],
            "description": "All changes of the rule, or `nothing`.",
        },
        "at": {"type": "string", "description": "The time, such as 2026-03-01 09:00 (UTC)."},
    }
    return _object(keys, ["given", "expect"])


def _tags(said: str) -> Schema:
    return {"type": "array", "items": _WORD, "description": said}


def _object(properties: Schema, required: list[str] | None = None) -> Schema:
    made: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": required} if required else made
