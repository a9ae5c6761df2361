"""Rules that rest because the portal has not what they name, and the other names of a thing.

Pure. A rule that rests decides nothing: neither its actions nor its `stop` hold meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from zdsync.errors import Problem
from zdsync.rules.nodes import Node, Notes


@dataclass(frozen=True, slots=True)
class Resting:
    """One rule that cannot run in this portal, and the names that it lacks.

    `allowed`: it says `optional: true`, and all that it lacks is a name.
    """

    id: str
    mode: str
    allowed: bool
    stop: bool
    problems: tuple[Problem, ...]

    @property
    def reason(self) -> str:
        """Say on one line why: what is lacking, where it stands, a near name."""
        said = "; ".join(map(_said, self.problems))
        more = ", and its `stop` does not hold meanwhile" if self.stop else ""
        return ("rests here: " if self.allowed else "") + said + more


def _said(problem: Problem) -> str:
    hint = f", {problem.hint}" if problem.hint else ""
    return f"{problem.what} ({problem.where}{hint})"


def resting(node: Node, found: Sequence[Problem]) -> Resting | None:
    """Say that a rule rests for what was found in it; None where the file itself is wrong."""
    if any(problem.kind == "file" for problem in found):
        return None
    words = {key: node.get(key) for key in ("id", "mode", "optional", "stop")}
    texts = {key: found.text if found else "" for key, found in words.items()}
    flags = {key: bool(found and found.value is True) for key, found in words.items()}
    allowed = flags["optional"] and all(problem.kind == "lack" for problem in found)
    own = tuple(replace(problem, rule=texts["id"]) for problem in found)
    return Resting(texts["id"], texts["mode"] or "plan", allowed, flags["stop"], own)


def other_names(settings: Node | None) -> Mapping[str, tuple[str, ...]]:
    """Read `settings.names`: folded name → its other names, folded, in their order."""
    listed = settings.get("names") if settings else None
    return {
        key.text.strip().casefold(): tuple(
            item.text.strip().casefold() for item in value.items or () if item.named
        )
        for key, value in (listed.pairs if listed else None) or ()
    }


def left_to_mend(root: Node, notes: Notes, rests: Sequence[Resting]) -> tuple[Problem, ...]:
    """List the problems of a file, each with its rule, without those of rules that may rest."""
    section = root.get("rules")
    nodes = (section.items if section else None) or ()
    named = [replace(one, rule=_rule_at(one, nodes)) for one in notes.problems()]
    # A name under `settings` is lacking to each rule that needs it: all of them must allow it.
    lacked = {(one.allowed, _spot(problem)) for one in rests for problem in one.problems}
    return tuple(
        one for one in named if (True, _spot(one)) not in lacked or (False, _spot(one)) in lacked
    )


def _spot(problem: Problem) -> tuple[str, str]:
    return problem.where, problem.what


def _rule_at(problem: Problem, rules: Sequence[Node]) -> str:
    """Find the id of the rule that a problem stands in; "" outside of all."""
    line, column = map(int, problem.where.rsplit(":", 2)[1:])
    above = [node for node in rules if (node.line, node.column) <= (line, column)]
    id_ = above[-1].get("id") if above else None
    return id_.text if id_ else ""
