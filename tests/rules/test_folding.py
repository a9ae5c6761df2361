"""Folding: what two texts must share to be equal."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.rules.world import duck
from zdsync.rules import fold, needs_python, searchable, searchable_in_sql
from zdsync.rules.folding import needle, word
from zdsync.sql import Sql, join

QUERY = duck()


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  Hello  World ", "hello world"),
        ("Résilié ÑANDÚ", "resilie nandu"),
        ("Straße", "strasse"),
        ("ﬁle ＦＩＬＥ", "file file"),
        ("<p>Live</p><p>chat</p>", "live chat"),
        ("bo<b>ld</b>ness", "boldness"),
        ("a &lt;b&gt; &amp; c", "a <b> & c"),
        ("<style>p {color: red}</style>seen<!-- <b>not</b> seen -->", "seen"),
        ("mail <ana@clinic.example> and <https://a.example/x>", None),
        ("3 < 4 and 5 > 2", "3 < 4 and 5 > 2"),
        ("ё й ά", "ё й ά"),  # other scripts keep their marks
        ("İstanbul", "istanbul"),
        ("\u00a0x\u2003y", "x y"),
        ("", ""),
        ("a<!--[if !mso]><!-->b<!--<![endif]-->c", "abc"),  # Outlook shows b to all others
        ("a<!-- <b -->b<!-->c", "abc"),
        ("<head><title>x</title><body>seen", "seen"),  # the end of a head may be left out
        ('<a title="1 > 0">seen</a> <b it\'s>', "seen"),
        ("<?xml:namespace prefix = o /><![if !x]>seen<!DOCTYPE html>", "seen"),
        ("a --> b <br>", "a --> b"),
        ("a ≠ b 1\u0301", "a ≠ b 1\u0301"),  # only letters have accents
        ("Un\u00adsub\u200bscribe&shy;d", "unsubscribed"),  # unseen
        ("\ufeffre\u2060fund\u200e \u202bnow\u202c", "refund now"),
        ("e\u200d\u0301te\u034f\u0301", "ete"),  # unseen between a letter and its accent
        ("می\u200cخواهم", "میخواهم"),
        ("\u200b \u00ad", ""),
    ],
)
def test_fold(text: str, folded: str | None) -> None:
    assert fold(text) == (text.casefold() if folded is None else folded)


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="<&\0"), max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    once = fold(text)
    assert "<" in once or "&" in once or fold(once) == once


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
    )
)
def test_sql_folds_to_the_same_text_or_leaves_it_to_python(texts: list[str]) -> None:
    texts = [*texts, "A b\n c", "x  y", "É", "<b>", "a\u00adb", "\u200b", "a &shy; b"]
    rows = join(", ", [Sql("(?)", (text,)) for text in texts])
    raw = Sql("v.x")
    columns = join(", ", [raw, searchable_in_sql(raw), needs_python(raw)])
    for text, found, left in QUERY(
        join(" ", [Sql("SELECT"), columns, "FROM (VALUES " + rows + ") v(x)"])
    ):
        assert left is (found is None)
        assert left or found == searchable(text)


@pytest.mark.parametrize(
    ("pattern", "text", "hit"),
    [
        ("chat", "live chat now", True),
        ("chat", "livechat", False),
        ("*chat", "livechat", True),
        ("refill*", "two refills", True),
        ("live chat", "Live\n <b>chat</b>", True),
        ("live chat", "live chats", False),
        ("退款", "请退款吧", True),
        ("คืนเงิน", "ขอคืนเงินด้วย", True),
        ("sms", "sms_alert", True),
        ("c++", "we use c++11", True),
        (".xyz", "a@b.xyz", True),
        ("mot", "mötley", False),
        ("я", "моя", False),
        ("мок", "за\u0301мок", False),  # a mark is part of a letter
        ("दी", "हिन्दी", False),
        ("क", "की", False),
        ("*दी", "हिन्दी", True),
        ("*ी", "हिन्दी", True),
        ("unsubscribe", "un\u00adsub\u200bscribe", True),
        ("un\u00adsubscribe", "unsubscribe", True),
        ("scribe", "sub\u200bscribe", False),  # what is not seen parts no words
        ("live chat", "live \u200bchat", True),
        ("call", "☎️call", True),  # what picks the style of a picture is none
    ],
)
def test_whole_words(pattern: str, text: str, hit: bool) -> None:
    assert (needle(word(pattern)) in searchable(text)) is hit
