"""The one door from a report to text, by format, and from text to a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from zdsync.errors import Misconfigured
from zdsync.reports.report import Report

Format = Literal["table", "html", "csv", "json"]


def render(
    report: Report, form: Format = "table", *, width: int | None = None, colour: bool = False
) -> str:
    """Write a report as text. `width` and `colour` are the terminal's; None is a pipe.

    Each renderer loads its library when it is used: rich, or jinja2 and vl_convert.
    """
    match form:
        case "table":
            from zdsync.reports.terminal import to_terminal

            return to_terminal(report, width, colour=colour)
        case "html":
            from zdsync.reports.html_page import to_html

            return to_html(report)
        case "csv":
            from zdsync.reports.csv_file import to_csv

            return to_csv(report)
        case "json":
            from zdsync.reports.json_document import to_json

            return to_json(report)


def save(text: str, target: Path) -> None:
    """Write a report to a file, whole or not at all; Misconfigured where it cannot be written."""
    unfinished = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        try:
            unfinished.write_text(text, encoding="utf-8", newline="")
            unfinished.replace(target)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        hint = "choose a folder that exists and may be written with -o"
        raise Misconfigured(f"Cannot write {target}: {error.strerror}", hint=hint) from None
