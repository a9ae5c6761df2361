"""What two texts must share to be equal: a scanner by hand, mark by mark. No pattern of `re`."""

from __future__ import annotations

import html
import string
import unicodedata
from functools import lru_cache

INLINE = {
    *("a", "abbr", "b", "big", "code", "em", "font", "i", "s", "small", "span", "strike"),
    *("strong", "sub", "sup", "u", "wbr"),
}
RAW = {"script": ("</script",), "style": ("</style",), "title": ("</title",)}
RAW["head"] = ("</head", "<body")
UNSEEN = {0xAD, 0x34F, 0x61C, 0x180E, 0xFEFF, *range(0x200B, 0x2010), *range(0x202A, 0x202F)}
UNSEEN |= set(range(0x2060, 0x2070))
SPACE = " \t\n\r\f"


@lru_cache(200_000)
def fold(text: str) -> str:
    shown = "".join(one for one in html.unescape(visible(text)) if ord(one) not in UNSEEN)
    folded = unicodedata.normalize("NFKC", shown).casefold()
    folded = unicodedata.normalize("NFKC", without_accents(folded)).casefold()
    return " ".join(folded.split())


def without_accents(text: str) -> str:
    kept = []
    latin = False
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.category(char) == "Mn" and unicodedata.combining(char):
            if latin:
                continue
        else:
            latin = is_latin(char)
        kept.append(char)
    return "".join(kept)


def is_latin(char: str) -> bool:
    return char in string.ascii_letters or unicodedata.name(char, "").startswith("LATIN ")


def visible(text: str) -> str:
    """What a reader of the HTML sees; white space where an element parts words."""
    seen: list[str] = []
    at = 0
    while at < len(text):
        if text[at] != "<":
            seen.append(text[at])
            at += 1
            continue
        end, gap = markup(text, at)
        seen.append(text[at] if end == at else gap)
        at = max(end, at + 1)
    return "".join(seen)


def markup(text: str, at: int) -> tuple[int, str]:
    """Where the markup at `<` ends, and what stands in its place; no markup ends at once."""
    if text.startswith("<!--", at):
        end = text.find("-->", at + 2)
        return (len(text), "") if end < 0 else (end + 3, "")
    if text[at + 1 : at + 2] in ("!", "?"):
        end = closing(text, at + 2, quotes=False)
        return (end, "") if end else (at, "")
    name = tag_name(text, at)
    end = closing(text, at + 1, quotes=True) if name else 0
    if not end:
        return at, ""
    bare = name.lstrip("/")
    if bare in RAW and name == bare and text[end - 2] != "/":
        end = after(text, end, RAW[bare])
    return end, "" if bare in INLINE or bare in ("script", "style") else " "


def tag_name(text: str, at: int) -> str:
    slash = "/" if text.startswith("/", at + 1) else ""
    start = end = at + 1 + len(slash)
    while end < len(text) and (text[end].isalnum() or text[end] in "-_:"):
        end += 1
    name = text[start:end]
    good = (
        name[:1] in tuple(string.ascii_letters)
        and not name.endswith(":")
        and text[end : end + 1] in tuple(SPACE + "/>")
    )
    return slash + name.lower() if good else ""


def closing(text: str, at: int, *, quotes: bool) -> int:
    """The place behind the `>` of a tag; 0 where there is none. A quoted value may hold `>`."""
    while at < len(text):
        if text[at] == ">":
            return at + 1
        if text[at] == "<":
            return 0
        if quotes and text[at] == "=":
            start = at + 1
            while text[start : start + 1] and text[start] in SPACE:
                start += 1
            if text[start : start + 1] in ('"', "'"):
                end = text.find(text[start], start + 1)
                at = max(at, end)
        at += 1
    return 0


def after(text: str, at: int, ends: tuple[str, ...]) -> int:
    """The place behind what is not shown: a script ends with its own end tag only."""
    while at < len(text):
        for sign in ends:
            if text[at : at + len(sign)].lower() == sign and tag_name(text, at):
                end = closing(text, at + 1, quotes=True)
                if end:
                    return end
        at += 1
    return at
