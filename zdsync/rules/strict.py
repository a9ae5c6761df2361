"""What every model of `rules.yaml` stands on: strictness, text, single values, refusals."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError


def as_text(value: object) -> object:
    """Take a number for text: a status, tag or option may be spelt with digits."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value


def fail(what: str) -> PydanticCustomError:
    """Make the error of a value that no built-in check words."""
    # Braces are placeholders for pydantic: double them.
    return PydanticCustomError("rules", what.replace("{", "{{").replace("}", "}}"))


Text = Annotated[str, BeforeValidator(as_text), Field(min_length=1, max_length=2000)]


def _scalar(value: object) -> object:
    if isinstance(value, dict | list):
        raise fail("takes a single value")
    return value


Scalar = Annotated[
    Any,
    BeforeValidator(_scalar),
    WithJsonSchema({"type": ["string", "number", "boolean", "null"]}),
]


class Strict(BaseModel):
    """Refuses unknown keys; nothing is coerced."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)
