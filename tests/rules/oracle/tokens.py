"""What random texts are made of: words of many scripts, and what stands between and around them."""

from __future__ import annotations

import html
import random
import unicodedata

WORDS = (
    *("ref\u00adill", "live\u200b chat", "\u200echat\u200f", "می\u200cخواهم", "میخواهم"),
    *("refill", "Refills", "réfill", "re\u0301fill", "REFILL", "chat", "live chat", "livechat"),
    *("Straße", "STRASSE", "strasse", "Ñandú", "nandu", "İstanbul", "istanbul", "ISTANBUL", "ı"),
    *(
        "Łódź",
        "ﬁle",
        "file",
        "ＦＩＬＥ",
        "a1",
        "1",
        "12",
        "é",
        "e",
        "c++",
        "c",
        ".xyz",
        "i'm",
        "№5",
    ),
    *("λόγος", "ΛΌΓΟΣ", "λόγοσ", "ά", "α", "ᾳ", "за́мок", "мок", "ЗАМОК", "ё", "е", "й", "и", "Й"),
    *(
        "كتاب",
        "كِتَاب",
        "كتابٌ",
        "ﻛﺘﺎﺏ",
        "שלום",
        "שָׁלוֹם",
        "कर",
        "करना",
        "की",
        "क",
        "हिन्दी",
        "दी",
        "ি",
        "কি",
    ),
    *("คืนเงิน", "ขอคืนเงินด้วย", "เงิน", "退款", "请退款吧", "退", "返金", "がめん", "ｶﾞﾒﾝ", "ガメン"),
    *(
        "환불",
        "환불을",
        "한국",
        "👍",
        "👍🏽",
        "❤️",
        "☎️ call",
        "1️⃣",
        "½",
        "²",
        "≠",
        "＝",
        "ǅ",
        "K",
        "ſ",
    ),
)
ODD = ("%", "_", "?", "'", '"', "|", "\\", "$1", "a_b", "-->", "a=b", "#", ":", "- x", "{", "[")
MARKUP = (
    *("<b>", "</b>", "<p>", "</p>", "<br/>", "<BR>", "<td>", "<a href='x>y'>", '<i title="a > b">'),
    *("<script>refill</script>", "<style>p {}</style>", "<title>chat</title>", "<!-- chat -->"),
    *("<!--[if !mso]><!-->", "<!--<![endif]-->", "<!-- <b -->", "<?xml:ns x='1' />", "<![endif]>"),
    *(
        "<head><title>x</title><body>",
        "<!DOCTYPE html>",
        "<!-->",
        "<o:p></o:p>",
        "<wbr>",
        "</SPAN >",
    ),
    *("&amp;", "&eacute;", "&#x52;", "&nbsp;", "&lt;b&gt;", "&ampchat", "& ", "&bogus;"),
    *(
        "<ana@b.example>",
        "<https://a.example/x>",
        "a < b",
        "3<4",
        "<",
        ">",
        "<b",
        "</",
        "<script/>",
    ),
)
GAPS = ("", " ", " ", "-", "\n", "\u00a0", ".", ", ", "_", "\u3000", "\t", "/", "…", "—")
EMPTY = ("", " ", "<br>", "&nbsp;", "\n", "<p> </p>", "\u200b", "&shy; ")
BESIDE = ("", "", "", " ", "x", "1", "-", "_", ".", "é", "क", "ি", "\u0301", "退", "я", "'", "*")
INSIDE = (
    "<b>",
    "</i>",
    "<wbr>",
    "<!-- x -->",
    "<p>",
    "<script>x</script>",
    "\u0301",
    " ",
    "<!---->",
    "\u00ad",
    "\u200b",
    "&zwnj;",
    "\u2060\ufeff",
)


def some_text(chance: random.Random) -> str:
    """A text of a few pieces, at times empty or only markup."""
    if chance.random() < 0.1:
        return chance.choice(EMPTY)
    pieces = []
    for _ in range(chance.randint(1, 4)):
        pool = chance.choices((WORDS, ODD, MARKUP), (6, 1, 2))[0]
        pieces += [chance.choice(pool), chance.choice(GAPS)]
    return "".join(pieces)


def echo(text: str, chance: random.Random) -> str:
    """A text that nearly is, or holds, what a rule asks for."""
    text = text.strip("*")
    for change in chance.sample(CHANGES, chance.choice((0, 0, 1, 1, 2))):
        text = change(text, chance)
    if chance.random() < 0.4:
        return text
    text = chance.choice(BESIDE) + text + chance.choice(BESIDE)
    if chance.random() < 0.4:
        text = some_text(chance) + chance.choice(GAPS) + text
    return text + chance.choice(GAPS) + some_text(chance) if chance.random() < 0.4 else text


def _inside(text: str, chance: random.Random) -> str:
    at = chance.randint(0, len(text))
    return text[:at] + chance.choice(INSIDE) + text[at:]


def _entity(text: str, chance: random.Random) -> str:
    at = chance.randrange(len(text) or 1)
    return text[:at] + "".join(f"&#{ord(char)};" for char in text[at : at + 1]) + text[at + 1 :]


CHANGES = (
    lambda text, _: text.upper(),
    lambda text, _: text.lower(),
    lambda text, _: text.swapcase(),
    lambda text, _: unicodedata.normalize("NFD", text),
    lambda text, _: unicodedata.normalize("NFKC", text),
    lambda text, _: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    lambda text, _: html.escape(text),
    lambda text, _: text[:-1],
    lambda text, _: text[1:],
    lambda text, _: text.replace(" ", "\n "),
    _inside,
    _entity,
)
