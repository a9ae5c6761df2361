"""The mark by which a comment or reply of ours is found again: its change id, small at the end.

Zoho takes no id from a client (desk-tickets.md section 1), so the text itself must carry one. It
stays in the text whatever a sanitiser takes from the style. Pure.
"""

from __future__ import annotations

_MARK = '<div style="font-size:1px;line-height:1px;color:#ffffff">Ref. {}</div>'


def marked(text: str, change_id: str) -> str:
    """Put the mark behind a text of HTML."""
    return f"{text}\n{_MARK.format(change_id)}"


def carries(content: str, change_id: str) -> bool:
    """Whether a comment or reply is the one of this change: no other text holds its id."""
    return change_id in content
