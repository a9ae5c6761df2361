"""What a reader sees of HTML: tags, comments, scripts and styles dropped, entities decoded.

Follows browsers where mails need it (Outlook's conditional comments, `>` in quoted values, a head
without an end); an address in angle brackets is text. Must not: fold, or read anything.
"""

from __future__ import annotations

import html
import re

# The rest of a tag; a quoted value may hold `>`. Possessive: no text makes it try twice.
_REST = r"""(?=[\s/>])(?:[^<>=]++|=\s*+(?>"[^"]*"|'[^']*')?+)*+>"""
_MARKUP = re.compile(r"<!--|<[!?][^<>]*>|</?([a-zA-Z][\w-]*(?::[\w-]+)?)" + _REST)
# These lie inside a word; every other element parts words as a line break does.
_INLINE = frozenset(
    {
        *("a", "abbr", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i"),
        *("ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub"),
        *("sup", "tt", "u", "var", "wbr", "script", "style"),
    }
)
# Not shown, up to their end tags; the end tag of a head may be left out.
_HIDDEN = {
    name: re.compile(rf"<(?:/{name}{others}){_REST}", re.IGNORECASE)
    for name, others in (("script", ""), ("style", ""), ("title", ""), ("head", "|body"))
}


def strip_html(text: str) -> str:
    """Drop what is not shown and decode entities. Text without `<`, `&` is kept."""
    if "<" in text:
        text = _shown(text)
    return html.unescape(text) if "&" in text else text


def _shown(text: str) -> str:
    parts: list[str | None] = _MARKUP.split(text)
    names = [name and name.lower() for name in parts[1::2]]
    if None in names or not _HIDDEN.keys().isdisjoint(names):
        return _shown_apart(text)
    # Nothing hides text here, as in nearly all: half the time of looking at each tag.
    parts[1::2] = ["" if name in _INLINE else " " for name in names]
    return "".join(part or "" for part in parts)


def _shown_apart(text: str) -> str:
    """Drop markup where some of it may hide what follows: a comment, a script, a head."""
    kept: list[str] = []
    at = 0
    while found := _MARKUP.search(text, at):
        kept.append(text[at : found.start()])
        name = (found.group(1) or "").lower()
        at = found.end()
        if found.group() == "<!--":
            end = text.find("-->", found.start() + 2)  # `<!-->` is a whole comment
            at = end + 3 if end >= 0 else len(text)
        elif name:
            kept.append("" if name in _INLINE else " ")
            at = _behind(name, found)
    kept.append(text[at:])
    return "".join(kept)


def _behind(name: str, tag: re.Match[str]) -> int:
    """Where text is shown again: behind the tag, or behind the end of what it hides."""
    hides = name in _HIDDEN and not tag.group().startswith("</") and not tag.group().endswith("/>")
    if not hides:
        return tag.end()
    end = _HIDDEN[name].search(tag.string, tag.end())
    return end.end() if end else len(tag.string)
