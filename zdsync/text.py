"""The one sanitiser of text that comes from outside and goes to a terminal, a file or a page;
and the one way to point at a near name.

Promises that no control character, escape sequence, bidi override or line break passes. Pure.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from unicodedata import category, east_asian_width

# Joiners that Persian, Indic scripts and emoji need; every other format character is dropped.
_KEPT_FORMATS = frozenset("\u200c\u200d")
_DROPPED = frozenset({"Cf", "Cs", "Co", "Cn"})
_SPACED = frozenset({"Cc", "Zl", "Zp", "Zs"})


def printable(text: object, width: int | None = None) -> str:
    """Write a value as one harmless line of at most `width` terminal cells ("…" where cut).

    Control characters and line breaks become a space, runs of spaces one; format characters
    (bidi overrides among them), surrogates and unassigned ones vanish.
    """
    raw = text if isinstance(text, str) else str(text)
    # A cut before the work keeps a megabyte of body cheap; marks may take up to three per letter.
    head = raw if width is None else raw[: 8 * width + 64]
    clean = " ".join("".join(map(_harmless, head)).split())
    if width is None:
        return clean
    shown = _cut(clean, width)
    return shown if len(head) == len(raw) or shown.endswith("…") else _cut(clean + "…", width)


def _harmless(letter: str) -> str:
    if " " <= letter <= "~":
        return letter
    kind = category(letter)
    if kind in _SPACED:
        return " "
    return "" if kind in _DROPPED and letter not in _KEPT_FORMATS else letter


def _cells(letter: str) -> int:
    if letter <= "~":
        return 1
    if category(letter) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if east_asian_width(letter) in "WF" else 1


def _cut(text: str, width: int) -> str:
    if sum(map(_cells, text)) <= width and len(text) <= 4 * width:
        return text
    kept, used = 0, 0
    for letter in text[: 4 * width]:
        used += _cells(letter)
        if used > width - 1:
            break
        kept += 1
    return text[:kept].rstrip() + "…"


def near(word: str, known: Sequence[str]) -> str:
    """Hint at the name that was meant, else list those that are known."""
    found = difflib.get_close_matches(word, known, 1)
    return f"did you mean {found[0]}?" if found else "known: " + ", ".join(known)
