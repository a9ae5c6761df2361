"""The rules file on disk: read it again each time, keep the last good one for the service.

Says every problem at once. Knows no screen and runs no rule.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from zdsync.diagnostics import render
from zdsync.errors import Misconfigured, Problem
from zdsync.model import Portal, Voice
from zdsync.reports.registry import REPORTS
from zdsync.rules import (
    CompiledRule,
    Loaded,
    RuleFile,
    folded,
    lacking,
    load_rules,
    readers_of,
)
from zdsync.settings import Settings
from zdsync.text import near

log = logging.getLogger(__name__)


def lacks(settings: Settings) -> Callable[[CompiledRule], list[str]]:
    """Return what lists the columns that a rule needs and ZDSYNC_EXCLUDE leaves out."""

    def left_out(rule: CompiledRule) -> list[str]:
        names = settings.outcome_field, settings.sla_tier_field
        return lacking(rule, settings.exclude, outcome_field=names[0], tier_field=names[1])

    return left_out


class Rulebook:
    """One rules file."""

    def __init__(self, path: Path, voice: Voice | None = None) -> None:
        self.path = path
        self._voice = voice
        self._good: RuleFile | None = None
        self._said = ""
        self._digests: dict[str, str] = {}

    def digest_of(self, rule: str) -> str | None:
        """The digest of a rule as it was read last; None for one that is not in the file."""
        return self._digests.get(rule)

    def load(self, portal: Portal | None, only: str | None = None) -> RuleFile:
        """Read the file; Misconfigured with every problem. Examples are not run.

        A rule that names what the portal has not only rests (`RuleFile.resting`).
        `only`: a rule that must be in it.
        """
        loaded = self.read(portal)
        if loaded.broken:
            raise self._broken(loaded.problems)
        ids = [rule.id for rule in loaded.rules.rules]
        ids += [rests.id for rests in loaded.rules.resting]
        if only is not None and only not in ids:
            problem = Problem("--rule", "is no rule", near(only, ids), only)
            raise Misconfigured(f"{self.path} has no such rule", [problem])
        self._digests = {rule.id: rule.digest for rule in loaded.rules.rules}
        return loaded.rules

    def read(self, portal: Portal | None) -> Loaded:
        """Read the file with all its problems; Misconfigured where it cannot be opened."""
        return load_rules(self._text(), str(self.path), portal, self._voice)

    def load_or_last(self, portal: Portal | None) -> RuleFile | None:
        """Read the file; where it is broken say so once and keep the last good one, if any."""
        try:
            self._good = self.load(portal)
            self._said = ""
        except Misconfigured as error:
            said = render(error)
            if said != self._said:
                kept = "the last good one stays" if self._good else "no rule runs"
                log.error("rules=broken %s: %s", kept, said.replace("\n", " | "))
            self._said = said
        return self._good

    def readers(self, *, outcome_field: str, sla_tier_field: str) -> Callable[..., list[str]]:
        """Who reads a field (stream, module, API name): rules of the file, and reports.

        The file is read when asked; one that cannot be read has no rules.
        """

        def read_by(stream: str, module: str, field: str) -> list[str]:
            try:
                rules = load_rules(self._text(), str(self.path)).rules
            except Misconfigured:
                rules = RuleFile(str(self.path))
            where = (stream, module, folded(field))
            names = {"outcome_field": outcome_field, "sla_tier_field": sla_tier_field}
            found = [f"rule {one}" for one in readers_of(rules, where, **names)]
            if (stream, module) == ("desk.fields", "tickets"):
                found += [f"report {r.name}" for r in REPORTS.values() if where[2] in r.reads]
            return found

        return read_by

    def _broken(self, problems: tuple[Problem, ...]) -> Misconfigured:
        one = len(problems) == 1
        what = f"{self.path}: {len(problems)} problem{'' if one else 's'}"
        return Misconfigured(what, problems)

    def _text(self) -> str:
        try:
            return self.path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            cause = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            hint = "set ZDSYNC_RULES, or name the file"
            raise Misconfigured(f"{self.path} cannot be read: {cause}", hint=hint) from None
