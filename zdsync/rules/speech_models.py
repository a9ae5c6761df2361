"""The shape of `comment`, `reply` and `notify`. What their texts may say is in `templates`."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Discriminator, Field, Tag

from zdsync.rules.strict import Strict, Text, as_text
from zdsync.rules.template_source import LONGEST

Words = Annotated[str, BeforeValidator(as_text), Field(min_length=1, max_length=LONGEST)]


class CommentModel(Strict):
    text: Words = Field(description="What the comment says; fields stand in {{ }}.")
    public: bool = Field(default=False, description="Whether the customer may read it.")


class ReplyModel(Strict):
    template: Words = Field(description="What the reply says; fields stand in {{ }}.")
    from_: Text = Field(alias="from", description="The support address that it comes from.")


class FieldPerson(Strict):
    field: Text = Field(description="A field with an agent's e-mail: assignee, contact.owner.")


def _plain_or(plain: str, mapping: str) -> Any:
    def shape(value: object) -> str | None:
        if isinstance(value, dict):
            return mapping
        return plain if isinstance(value, str | int | float) else None

    return shape


CommentValue = Annotated[
    Annotated[Words, Tag("~text")] | Annotated[CommentModel, Tag("~comment")],
    Discriminator(
        _plain_or("~text", "~comment"),
        custom_error_type="rules",
        custom_error_message="takes a text, or text and public",
    ),
]
Person = Annotated[
    Annotated[Text, Tag("~target")] | Annotated[FieldPerson, Tag("~person")],
    Discriminator(
        _plain_or("~target", "~person"),
        custom_error_type="rules",
        custom_error_message="takes a name of ZDSYNC_NOTIFY, or field",
    ),
]


def _people(value: object) -> object:
    return value if isinstance(value, list) else [value]


class NotifyModel(Strict):
    to: Annotated[
        list[Person],
        BeforeValidator(_people, json_schema_input_type=Person | list[Person]),
        Field(min_length=1, max_length=20),
    ] = Field(description="Names of ZDSYNC_NOTIFY, {field: assignee}, or a list of them.")
    text: Words = Field(description="What the notice says: ids, numbers, links.")
