"""Folding of text and borders of words, as rules-language.md (Conditions) words them.

Owns: what two texts must share to be equal, and what a whole word is. `fold` is the only truth;
`searchable_in_sql` does plain ASCII in DuckDB with the same result and leaves the rest to Python.
Must not: read or run anything.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from string import ascii_letters

from zdsync.rules.markup import strip_html
from zdsync.sql import Sql

_PLAIN = re.compile(r"[\t\n\r -%'-;=-~]*")

# A letter or digit of any script joins, and so do their marks (vowel signs, points); anything else
# is a border between words.
_JOINED = re.compile(r"([^\W_]+)")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_MARKS = "\u0300"  # the first combining mark
_PICTURES = 0x1F000  # from here on no mark of a word
# What shows nothing and may stand inside a word: soft hyphens, zero-width characters, joiners,
# marks of direction. NFKC_Casefold of Unicode leaves them out, too.
_UNSEEN = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BEYOND = 0x20000  # no Latin letter and no combining mark
BORDER = "\x1f"  # white space to Python, so folded text never holds it
# Scripts that are written without spaces, or that glue endings to words (Hangul).
_SPACELESS = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1100, 0x11FF),  # Hangul Jamo
    (0x1780, 0x17FF),  # Khmer
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),
    (0x3021, 0x30FF),  # Hiragana, Katakana
    (0x3130, 0x318F),
    (0x31A0, 0x31FF),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xA960, 0xA97F),
    (0xAC00, 0xD7FF),  # Hangul syllables
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)


def fold(text: str) -> str:
    """Fold text for comparing: no HTML, nothing unseen, NFKC, case folded, no accents on Latin,
    trimmed.

    A run of white space is one space, so that a line break in a mail does not part two words.
    """
    if _PLAIN.fullmatch(text):
        return " ".join(text.lower().split())
    folded = _casefold(strip_html(text))
    return " ".join(folded.split())


def _casefold(text: str) -> str:
    seen = text if text.isascii() else _UNSEEN.sub("", text)
    folded = unicodedata.normalize("NFKC", seen).casefold()
    if folded.isascii():
        return folded
    marks = _latin_marks(_BEYOND if _ASTRAL.search(folded) else 0x10000)
    bare = marks.sub("", unicodedata.normalize("NFD", folded))
    # Casefolding and dropping marks can undo NFKC, and twice is the same as once only here.
    return unicodedata.normalize("NFKC", bare).casefold()


@cache
def _latin_marks(below: int) -> re.Pattern[str]:
    """The marks behind a Latin letter, in decomposed text of characters `below`.

    Asking each character for its name took three to six times as long. The mark stands first in
    the pattern: a search for one set of letters is quick, one that looks behind is not.
    """
    marks, latin = [], [ascii_letters]
    for code in range(0x80, below):
        char = chr(code)
        if unicodedata.combining(char):
            marks.append(char)
        elif unicodedata.name(char, "").startswith("LATIN "):
            latin.append(char)
    every = f"[{''.join(marks)}]"
    return re.compile(rf"{every}(?<=[{''.join(latin)}].){every}*")


def searchable(text: str) -> str:
    """Fold text and mark the borders of its words: what a folded column of the ground holds.

    Equal texts stay equal, other texts differ, and a whole word is found by a plain search: a
    pattern of RE2 with the letters of all scripts took ten times as long (tried), and one pattern
    of 90 words ten milliseconds a row.
    """
    return _mark(fold(text))


def searchable_in_sql(raw: Sql) -> Sql:
    """Do what `searchable` does in DuckDB where `raw` is ASCII without markup; else yield null."""
    return (
        "CASE WHEN regexp_full_match("
        + raw
        + r", '[\t\n\r -%''-;=-~]*') THEN regexp_replace(lower(trim(regexp_replace("
        + raw
        + r", '[\t\n\r ]+', ' ', 'g'))), '[a-z0-9]+', chr(31) || '\0' || chr(31), 'g') END"
    )


def needs_python(raw: Sql) -> Sql:
    """Hold where `raw` is a text that `searchable_in_sql` leaves to `searchable`."""
    return "(NOT regexp_full_match(" + raw + r", '[\t\n\r -%''-;=-~]*'))"


def word(text: str) -> str:
    """Fold a word of a rule; a `*` at either end stays."""
    bare = _UNSEEN.sub("", text).strip()
    left, right = bare.startswith("*"), bare.endswith("*") and len(bare) > 1
    return "*" * left + fold(bare.strip("*")) + "*" * right


def core(word: str) -> str:
    """Show what a folded word looks for, without its `*`."""
    return word.removeprefix("*").removesuffix("*")


def needle(word: str) -> str:
    """Write the text that a plain search for a folded word in searchable text looks for."""
    marked = _mark(core(word))
    if word.startswith("*") or _spaceless(word[0]):
        marked = marked.removeprefix(BORDER)
    if word.endswith("*") or _spaceless(word[-1]):
        marked = marked.removesuffix(BORDER)
    return marked


def prefix(folded: str) -> str:
    """Write how a searchable text that starts with this folded text starts."""
    return _mark(folded).removesuffix(BORDER)


def suffix(folded: str) -> str:
    """Write how a searchable text that ends with this folded text ends."""
    return _mark(folded).removeprefix(BORDER)


def joins(char: str) -> bool:
    """Whether a character belongs to a word: a letter, a digit, or a mark of one."""
    return char.isalnum() or (char >= _MARKS and _is_mark(ord(char)))


def exactly(folded: str) -> str:
    """Write the searchable text that is this folded text."""
    return _mark(folded)


def _mark(folded: str) -> str:
    # Splitting by the words and joining by the border took a quarter of the time of `sub`.
    if folded.isascii():
        return BORDER.join(_JOINED.split(folded))
    below = _PICTURES if _ASTRAL.search(folded) else 0x10000
    return BORDER.join(_joined_with_marks(below).split(folded))


@cache
def _joined_with_marks(below: int) -> re.Pattern[str]:
    """Words with their marks in text of characters `below`.

    `re` asks a set of 16-bit characters by a table and one that reaches beyond range by range:
    seven times as long.
    """
    marks = "".join(chr(at) for at in range(ord(_MARKS), below) if _is_mark(at))
    return re.compile(rf"((?:[^\W_]+|[{marks}]+)+)")


def _is_mark(code: int) -> bool:
    # Not the selectors of a picture's style: they stand before words, too.
    if code >= _PICTURES or 0xFE00 <= code <= 0xFE0F:
        return False
    return unicodedata.category(chr(code)) in ("Mn", "Mc")


def _spaceless(char: str) -> bool:
    code = ord(char)
    return any(low <= code <= high for low, high in _SPACELESS)
