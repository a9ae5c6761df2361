"""The one sanitiser."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from zdsync.text import printable


@given(st.text(max_size=300), st.integers(1, 60))
def test_no_control_or_format_character_passes_and_the_width_holds(text: str, width: int) -> None:
    shown = printable(text, width)
    kinds = {unicodedata.category(letter) for letter in shown} - {"Zs"}
    assert not kinds & {"Cc", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert not set(shown) & set("\u202a\u202e\u2066\u2069\u200f\ufeff")
    cells = sum(
        2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in shown
        if unicodedata.category(letter) not in {"Mn", "Me", "Cf"}
    )
    assert cells <= width


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=40))
def test_plain_text_is_left_alone(text: str) -> None:
    assert printable(text) == text
    assert printable(text, 40) == text


def test_lines_become_one_and_a_cut_is_shown() -> None:
    assert printable("one\r\n\ttwo  three") == "one two three"
    assert printable("日本語テキスト", 7) == "日本語…"
    assert printable("a" * 10_000, 5) == "aaaa…"
    assert printable(12) == "12"
    assert printable("می‌خواهم") == "می‌خواهم"
