"""What a reconciled stream came to, as a line or as data."""

from __future__ import annotations

from typing import Any

from zdsync.pull import Comparison


def compared_line(one: Comparison) -> str:
    """One line: what was compared, what was mended, what it cost, what is not proven."""
    if one.error:
        return f"{one.stream}: failed, {one.credits:g} credits"
    line = f"{one.stream}: {one.windows} windows, {one.remote:,} remote, {one.held:,} mirror"
    if not one.windows:
        line = f"{one.stream}: {one.held:,} mirror"
    line += f"; {one.repaired:,} repaired, {one.buried:,} buried, {one.back:,} came back"
    line += f"; {one.credits:g} credits"
    return line + "".join(f"; not proven: {what}" for what in one.unproven)


def compared_document(one: Comparison) -> dict[str, Any]:
    """The same as data."""
    return {
        "stream": one.stream,
        "windows": one.windows,
        "remote": one.remote,
        "mirror": one.held,
        "repaired": one.repaired,
        "buried": one.buried,
        "came_back": one.back,
        "credits": one.credits,
        "not_proven": one.unproven,
        "error": one.error.what if one.error else None,
    }
