"""pydantic's errors → problems at their nodes, in an admin's words, with near names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from zdsync.rules import models, speech_models
from zdsync.rules.calendar_model import Calendar
from zdsync.rules.nodes import Node, Notes, near, true_or_false

# The tags of the unions in `models`, and the model behind each.
_UNIONS: Mapping[str, type[BaseModel]] = {
    "~label": models.LabelModel,
    "~owner": models.FieldAgent,
    "~team": models.TeamAgent,
    "~among": models.AmongAgents,
    "~copy": models.CopyField,
    "~lookup": models.LookupField,
    "~edit": models.TagEdit,
    "~from": models.TagFrom,
    "~comment": speech_models.CommentModel,
    "~person": speech_models.FieldPerson,
    "~agreement": models.AgreementModel,
}
_SECTIONS: Mapping[str, type[BaseModel]] = {
    "settings": models.Settings,
    "limits": models.LimitsModel,
    "calendars": Calendar,
    "rules": models.RuleModel,
    "then": models.ActionModel,
    "close": models.CloseModel,
    "reply": speech_models.ReplyModel,
    "notify": speech_models.NotifyModel,
}
_WORDS = {
    "string_type": ("text is needed here", "put it in quotes"),
    "int_type": ("a whole number is needed here", "write digits without quotes"),
    "list_type": ("a list is needed here", "write [a, b]"),
    "dict_type": ("a mapping is needed here", "write {key: value}"),
    "model_type": ("a mapping is needed here", "write {key: value}"),
    "too_short": ("this must not be empty", "name at least one"),
    "string_too_short": ("this must not be empty", "write a word"),
    "string_too_long": ("this text is too long", ""),
}


def check_shape(root: Node, notes: Notes) -> None:
    """Validate the whole file against the models; note every error where it stands."""
    try:
        models.FileModel.model_validate(root.plain())
    except ValidationError as error:
        for entry in error.errors(include_url=False, include_context=True):
            _note(root, tuple(entry["loc"]), entry["type"], entry, notes)


def _note(root: Node, loc: tuple[int | str, ...], kind: str, entry: Any, notes: Notes) -> None:
    node, last = _find(root, loc)
    name = str(loc[-1]) if loc else ""
    match kind:
        case "extra_forbidden":
            keys = _keys(loc[:-1])
            notes.add(last or node, f"unknown key `{name}`", near(name, keys))
        case "missing":
            notes.add(node, f"`{name}` is missing here", "add it")
        case "literal_error":
            notes.add(node, f"this must be {entry['ctx']['expected']}")
        case "string_pattern_mismatch":
            notes.add(node, *_pattern(name))
        case "greater_than_equal" | "less_than_equal":
            notes.add(node, str(entry["msg"]).replace("Input", "this"))
        case "rules":
            notes.add(node, str(entry["msg"]))
        case "bool_type":
            notes.add(node, "true or false is needed here", true_or_false(node.text))
        case _:
            what, hint = _WORDS.get(kind, (str(entry["msg"]), ""))
            hint = hint if loc else "begin with `version: 1` and `rules:`"
            notes.add(node, what, hint)


def _find(root: Node, loc: tuple[int | str, ...]) -> tuple[Node, Node | None]:
    """Walk to the node that `loc` names; also the key's own node, where the last step is a key."""
    node, key = root, None
    for step in loc:
        if isinstance(step, int):
            node, key = (node.items or (node,) * (step + 1))[step], None
        elif not step.startswith("~"):
            key = node.key(step)
            node = node.get(step) or node
    return node, key


def _keys(loc: tuple[int | str, ...]) -> list[str]:
    model: type[BaseModel] = models.FileModel
    for step in loc:
        model = _UNIONS.get(str(step)) or _SECTIONS.get(str(step)) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _pattern(name: str) -> tuple[str, str]:
    if name == "id":
        return "an id is made of letters, digits, `-`, `_` and `.`", "for example close-spam"
    return "a share is written in percent", "for example 25%"
