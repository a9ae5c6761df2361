"""The agreement with people that a rule asks for before it may write, and what names a rule.

Pure. `digest` stands for what a rule says: another digest is another rule, and what was measured of
the old one says nothing of it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

from zdsync.rules.nodes import Node

_BESIDE = frozenset({"id", "why", "mode", "examples", "needs_agreement", "formerly"})
DECISIONS = 30  # fewer than that say little: of 30 right ones the interval still goes down to 89 %


@dataclass(frozen=True, slots=True)
class Asked:
    """People must have agreed in `share` (a part of one) of at least `decisions` decisions."""

    share: float
    decisions: int = DECISIONS


def read_agreement(node: Node | None) -> Asked | None:
    """Read `95%` or `{share: 95%, decisions: 40}`; None where nothing is asked, or is misspelt."""
    if node is None:
        return None
    share, least = node.get("share"), node.get("decisions")
    text = (share.text if share else "") if node.pairs is not None else node.text
    if not text.removesuffix("%").isdigit():
        return None  # the shape check has noted it
    count = least.value if least and isinstance(least.value, int) else DECISIONS
    return Asked(int(text.removesuffix("%")) / 100, count)


def rule_digest(rule: Node, root: Node) -> str:
    """Digest of a rule, of the settings, and of the lists and taxonomies that it names.

    Its mode, examples and words of explanation change nothing that it does.
    """
    plain = {key: body for key, body in rule.plain().items() if key not in _BESIDE}
    said = json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
    for section in ("lists", "taxonomies"):
        named = root.get(section)
        for key, body in (named.pairs if named else None) or ():
            if json.dumps(key.text, ensure_ascii=False) in said:
                plain[f"{section} {key.text}"] = body.plain()
    settings = root.get("settings")
    plain["settings"] = settings.plain() if settings else None
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]
