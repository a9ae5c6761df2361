"""The shape of `rules.yaml` as pydantic models: which keys there are, and what they mean.

Owns: keys, types, defaults and their descriptions (the JSON Schema for editors comes from here).
Conditions and examples are `Any` here: `parse` and `given` read them from nodes, with positions.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from zdsync.rules.calendar_model import Calendar, Use
from zdsync.rules.speech_models import CommentValue, NotifyModel, ReplyModel
from zdsync.rules.strict import Scalar, Strict, Text, as_text, fail

# With what agents begin a comment on a call; `attempts` counts those.
CALL_MARKERS = (
    *("call:", "[call]", "phone call", "called", "tried to call", "tried calling", "phoned"),
    *("rang", "voicemail", "left a voicemail", "left voicemail", "left a message"),
)


class Settings(Strict):
    calendars: dict[str, Calendar] = Field(
        default_factory=dict,
        description="Working hours by name; the first is the default. "
        "Without any: Mon-Fri 09:00-18:00 UTC, no holidays.",
    )
    departments: dict[str, Use] = Field(
        default_factory=dict, description="Department → calendar, where not the first."
    )
    names: dict[str, list[Text]] = Field(
        default_factory=dict,
        description="Name → what the same thing is called in portals of other languages.",
    )
    call_markers: list[Text] = Field(
        default=list(CALL_MARKERS),
        description="How a comment on a call begins: whole words, `*` for the rest of a word.",
    )


Count = Annotated[int, Field(ge=0, le=1_000_000)]


class LimitsModel(Strict):
    changes_per_tick: Count = Field(default=500, description="Most changes in one tick.")
    changes_per_rule: Count = Field(default=200, description="Most changes of one rule in a tick.")
    changes_per_day: Count = Field(default=3000, description="Most changes in 24 hours.")
    share_of_open_tickets: Annotated[
        str, BeforeValidator(as_text), Field(pattern=r"^(100|[1-9]?\d)%$")
    ] = Field(default="25%", description="Largest share of the open tickets changed in 24 hours.")
    destructive_per_tick: Count = Field(
        default=20, description="Most closes, spam marks, moves and replies in one tick."
    )
    destructive_per_day: Count = Field(default=50, description="The same in 24 hours.")


class LabelModel(Strict):
    tag: Text = Field(description="The tag, where Zoho refuses the label as a tag.")
    words: list[Text] = Field(min_length=1, description="Words that point at the label.")


def _shape(words: str, mapping: str) -> Any:
    def shape(value: object) -> str | None:
        if isinstance(value, list):
            return words
        return mapping if isinstance(value, dict) else None

    return Discriminator(
        shape, custom_error_type="rules", custom_error_message="takes a list of words"
    )


Label = Annotated[
    Annotated[list[Text], Field(min_length=1), Tag("~words")]
    | Annotated[LabelModel, Tag("~label")],
    _shape("~words", "~label"),
]


class FieldAgent(Strict):
    field: Text = Field(description="A field that holds an agent's e-mail, such as contact.owner.")
    else_: Any = Field(
        default=None, alias="else", description="Whom to take where that is no agent."
    )


class TeamAgent(Strict):
    team: Text = Field(
        description="The team whose agent with the fewest open tickets takes a ticket that nobody "
        "has; of equals the lowest id."
    )


class AmongAgents(Strict):
    among: list[Text] = Field(
        min_length=1,
        description="Agents: the one with the fewest open tickets takes a ticket that nobody has; "
        "of equals the first named.",
    )


def _assign_shape(value: object) -> str | None:
    if isinstance(value, dict):
        return next((f"~{key}" for key in ("team", "among") if key in value), "~owner")
    return "~agent" if isinstance(value, str | int) else None


Assign = Annotated[
    Annotated[Text, Tag("~agent")]
    | Annotated[FieldAgent, Tag("~owner")]
    | Annotated[TeamAgent, Tag("~team")]
    | Annotated[AmongAgents, Tag("~among")],
    Discriminator(
        _assign_shape,
        custom_error_type="rules",
        custom_error_message="takes an agent, `nobody`, or field, team, among",
    ),
]


class CopyField(Strict):
    field: Text = Field(description="The field whose value is taken.")


class LookupField(Strict):
    lookup: Text = Field(description="The field that is looked up; case does not matter.")
    in_: dict[str, Scalar] = Field(alias="in", min_length=1, description="Value → new value.")
    else_: Scalar = Field(default=None, alias="else", description="The value where none fits.")
    never_lower: bool = Field(default=False, description="Never lower a priority.")


def _set_shape(value: object) -> str:
    if isinstance(value, dict):
        return "~lookup" if "lookup" in value else "~copy"
    return "~value"


SetValue = Annotated[
    Annotated[Scalar, Tag("~value")]
    | Annotated[CopyField, Tag("~copy")]
    | Annotated[LookupField, Tag("~lookup")],
    Discriminator(_set_shape),
]


class TagEdit(Strict):
    add: list[Text] = Field(default_factory=list, description="Tags to add.")
    remove: list[Text] = Field(default_factory=list, description="Tags to remove.")


class TagFrom(Strict):
    from_: Text = Field(alias="from", description="The taxonomy whose labels are sought.")
    search: list[Text] = Field(
        default=["subject", "description"], min_length=1, description="The fields to search."
    )
    at_most: Annotated[int, Field(ge=1, le=50)] = Field(default=3, description="At most so many.")


def _tag_shape(value: object) -> str | None:
    if isinstance(value, dict):
        return "~from" if "from" in value else "~edit"
    return "~list" if isinstance(value, list) else None


TagValue = Annotated[
    Annotated[list[Text], Field(min_length=1), Tag("~list")]
    | Annotated[TagEdit, Tag("~edit")]
    | Annotated[TagFrom, Tag("~from")],
    Discriminator(
        _tag_shape,
        custom_error_type="rules",
        custom_error_message="takes a list of tags, add and remove, or from",
    ),
]


class CloseModel(Strict):
    outcome: Text | None = Field(default=None, description="The outcome that the close records.")
    status: Text | None = Field(default=None, description="Which closed status; else the portal's.")
    notify_contact: bool = Field(default=True, description="Whether Zoho may mail the contact.")


class ActionModel(Strict):
    """One action: exactly one of these keys, or the word `spam`."""

    assign: Assign | None = Field(default=None, description="Who works on the ticket.")
    set: dict[str, SetValue] | None = Field(
        default=None,
        min_length=1,
        description="Field → value. `due` takes an instant; one relative to now, such as "
        "`in 3 business days`, fills an empty due date only.",
    )
    tag: TagValue | None = Field(default=None, description="Tags to add or remove.")
    move: Text | None = Field(default=None, description="The department to move to.")
    close: CloseModel | None = Field(default=None, description="Close the ticket.")
    spam: Literal[True] | None = Field(default=None, description="Mark the ticket as spam.")
    comment: CommentValue | None = Field(default=None, description="Add a comment, once.")
    reply: ReplyModel | None = Field(default=None, description="Answer the customer, once.")
    notify: NotifyModel | None = Field(default=None, description="Tell people, once.")

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: object) -> object:
        if value == "spam":
            return {"spam": True}
        if isinstance(value, dict) and len(value) != 1:
            raise fail("one action per item: begin each with `- `")
        if isinstance(value, dict):
            (key, body) = next(iter(value.items()))
            if body is None:
                raise fail(f"`{key}` needs a value")
            if key == "spam" and body is not True:
                raise fail("`spam` takes no value: write `- spam`")
            return value
        raise fail("an action is `key: value`, or the word `spam`")


Percent = Annotated[str, BeforeValidator(as_text), Field(pattern=r"^(100|[1-9]?\d)%$")]


class AgreementModel(Strict):
    share: Percent = Field(description="The share of decisions in which people did the same.")
    decisions: Annotated[int, Field(ge=1, le=100_000)] = Field(
        default=30, description="Of how many decisions at least."
    )


Agreement = Annotated[
    Annotated[Percent, Tag("~share")] | Annotated[AgreementModel, Tag("~agreement")],
    Discriminator(lambda value: "~agreement" if isinstance(value, dict) else "~share"),
]


class RuleModel(Strict):
    id: Annotated[Text, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")] = Field(
        description="The rule's name in plans and in the journal: letters, digits, - _ ."
    )
    why: Text = Field(default="", description="Why the rule is there, in a sentence.")
    mode: Literal["off", "plan", "apply"] = Field(
        default="plan", description="off, plan (show only) or apply."
    )
    scope: Literal["open", "all"] = Field(default="open", description="all adds closed tickets.")
    stop: bool = Field(default=False, description="No later rule for tickets that match.")
    optional: bool = Field(
        default=False, description="Rest, without an error, where the portal lacks a name."
    )
    reassert: bool = Field(default=False, description="Ignore what people set by hand.")
    again_after: Text | None = Field(
        default=None, description="Comment, reply and notify again after, such as 7d; else never."
    )
    formerly: Text | list[Text] | None = Field(
        default=None, description="Earlier ids: what they said counts as said by this rule."
    )
    needs_agreement: Agreement | None = Field(
        default=None,
        description="Such as 95%: the rule stays in mode plan until the last `zdsync backtest` of "
        "it, as it stands, found at least 30 decisions and people agreeing in so many of them. "
        "{share: 95%, decisions: 50} asks for more decisions. Meant for rules that close, mark as "
        "spam, move or reply.",
    )
    when: Any = Field(description="The condition: all of its lines must hold.")
    then: list[ActionModel] = Field(min_length=1, description="What to do, in a list.")
    examples: list[Any] = Field(default_factory=list, description="Tests: given and expect.")


class FileModel(Strict):
    version: Literal[1] = Field(default=1, description="The version of the language: 1.")
    settings: Settings = Field(default_factory=Settings, description="Calendars.")
    limits: LimitsModel = Field(
        default_factory=LimitsModel, description="Guards of unattended ticks."
    )
    lists: dict[str, list[Text]] = Field(default_factory=dict, description="Named lists of words.")
    taxonomies: dict[str, dict[str, Label]] = Field(
        default_factory=dict, description="Name → label → words."
    )
    rules: list[RuleModel] = Field(min_length=1, description="The rules, top to bottom.")
