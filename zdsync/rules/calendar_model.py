"""The shape of a calendar in `rules.yaml`; `calendars` reads what stands in it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Discriminator, Field, Tag

from zdsync.rules.strict import Strict, Text


def _open_shape(value: object) -> str | None:
    return "~days" if isinstance(value, dict) else "~always" if value == "always" else None


Open = Annotated[
    Annotated[Literal["always"], Tag("~always")] | Annotated[dict[str, Text], Tag("~days")],
    Discriminator(
        _open_shape,
        custom_error_type="rules",
        custom_error_message='takes `always`, or days with hours in quotes: mon-fri: "09:00-18:00"',
    ),
]


def _off_shape(value: object) -> str | None:
    if isinstance(value, bool | dict):
        return None
    return "~dates" if isinstance(value, list) else "~country"


DaysOff = Annotated[
    Annotated[Text, Tag("~country")] | Annotated[list[Text], Tag("~dates")],
    Discriminator(
        _off_shape,
        custom_error_type="rules",
        custom_error_message="takes a country code such as US or DE-BY, or a list of dates",
    ),
]


class Calendar(Strict):
    timezone: Text = Field(description="Time zone by its IANA name, such as America/Chicago.")
    hours: Open = Field(
        description='`always`, or days → hours: {mon-fri: "09:00-12:00, 13:00-18:00"}.'
    )
    holidays: DaysOff | None = Field(
        default=None,
        description="Nobody works: a country code (US, DE-BY), or a list of dates. None: no days.",
    )


def _use_shape(value: object) -> str | None:
    if isinstance(value, dict):
        return "~maybe"
    return None if isinstance(value, bool | list) or value is None else "~name"


class MaybeThere(Strict):
    calendar: Text = Field(description="A name under `calendars`.")
    optional: bool = Field(default=False, description="true: the portal need not have it.")


Use = Annotated[
    Annotated[Text, Tag("~name")] | Annotated[MaybeThere, Tag("~maybe")],
    Discriminator(
        _use_shape,
        custom_error_type="rules",
        custom_error_message="takes a calendar, or {calendar: office, optional: true}",
    ),
]
