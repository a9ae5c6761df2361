"""One question to the long text of a ticket, as data. What it means stands in probes.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from zdsync.sql import Sql


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to subject and description, asked once per changed text (rules/probes.py).

    `name` is the digest of the question. `words` are needles, or of a `pattern` the pattern, whose
    `test` runs over the raw text; `labels`: for each label of a taxonomy the places of its words.
    """

    name: str
    kind: Literal["any", "all", "pattern", "labels"]
    fields: tuple[str, ...]
    words: tuple[str, ...]
    test: Sql | None = None
    labels: tuple[tuple[int, ...], ...] = ()

    @property
    def column(self) -> str:
        """The column of the ground that holds the answer: BOOLEAN, of labels VARCHAR[]."""
        return f"probe_{self.name}"
