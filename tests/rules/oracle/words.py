"""What a whole word is. Texts and words come folded."""

from __future__ import annotations

import unicodedata

from tests.rules.oracle.folding import fold

SPACELESS = (
    *("CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "HANGUL", "IDEOGRAPHIC", "BOPOMOFO"),
    *("THAI", "LAO", "KHMER", "MYANMAR"),
)


def has_word(text: str, word: str) -> bool:
    """Whether a folded text holds a word of a rule as the admin spelt it."""
    word = word.strip()
    open_left, open_right = word.startswith("*"), len(word) > 1 and word.endswith("*")
    bare = fold(word.strip("*"))
    at = text.find(bare)
    while at >= 0:
        end = at + len(bare)
        left = open_left or parts(text, at, bare[0])
        right = open_right or parts(text, end, bare[-1])
        if left and right:
            return True
        at = text.find(bare, at + 1)
    return False


def parts(text: str, at: int, edge: str) -> bool:
    """Whether a word whose outer letter is `edge` may begin or end between at-1 and at.

    Only a letter beside a letter needs a border; a mark is part of a letter.
    """
    return unicodedata.name(edge, "").split(" ")[0] in SPACELESS or not glued(text, at)


def glued(text: str, at: int) -> bool:
    beside = (text[at - 1 : at], text[at : at + 1])
    return all(char and (letter(char) or mark(char)) for char in beside)


def letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LN"


def mark(char: str) -> bool:
    """A vowel sign or point; what picks the style of a picture is none."""
    picks = "VARIATION SELECTOR" in unicodedata.name(char, "")
    return unicodedata.category(char) in ("Mn", "Mc") and not picks
