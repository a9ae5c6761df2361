"""Tickets of which the rules want nothing, so that the next plan need not look at them again.

Owns `zdsync.rule_settled`: a ticket and the digest of all that the rules read of it, when no rule
wanted anything of it and none lacked an answer. While that digest is the same the rules want
nothing (a property in tests/changes/test_settled.py). The digest covers the rules, the portal, the
texts, and the answers of all conditions that turn with the clock. Must not decide anything.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from zdsync.changes import spoken
from zdsync.changes.ground import DIGEST
from zdsync.changes.store import Queries, query, texts
from zdsync.model import Portal
from zdsync.rules import CompiledRule, fresh
from zdsync.sql import Sql, ident, join, value

AT_ONCE = 200_000  # tickets of a ground: so many were measured to fit into 512 MB
_WAY = "1"  # raise it when rules decide otherwise of the same ticket
_CLOCK = frozenset({"row_seen_at"})  # moves with each reading; what it is asked for is a test
_CALLS = """
coalesce((SELECT sum(hash(c.id, c.content, c.deleted_at, c.commented_time))
    FROM desk.comments c WHERE c.ticket_id = t.ticket_id), 0)
"""
_FORGET = "DELETE FROM zdsync.rule_settled WHERE ticket_id IN (SELECT ticket_id FROM rule_base)"
_KEEP = """
INSERT INTO zdsync.rule_settled (ticket_id, state, key)
SELECT ticket_id, state, ? FROM rule_base WHERE ticket_id NOT IN (
"""
_UNKNOWN = """
SELECT count(*) - (SELECT count(*) FROM zdsync.rule_settled WHERE key = ?)
FROM desk.tickets t WHERE t.presence = 'live' AND {scope}
"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What is known of settled tickets under these circumstances; `key` is their digest."""

    key: str
    as_of: datetime

    @classmethod
    def under(
        cls,
        rules: Sequence[CompiledRule],
        rules_digest: str,
        portal: Portal,
        owner_map: Mapping[str, str],
        as_of: datetime,
    ) -> Settled:
        """Know all beside the tickets that a decision depends on."""
        modes = [(one.id, one.mode) for one in rules]
        told = (_WAY, rules_digest, modes, asdict(portal), dict(owner_map))
        plain = json.dumps(told, sort_keys=True, default=_listed)
        return cls(hashlib.sha256(plain.encode()).hexdigest(), as_of)

    def left(
        self, source: str, within: Sql, named: Iterable[str], rules: Sequence[CompiledRule]
    ) -> Sql:
        """Write the rows `t` of the source that are not settled, with their `state`."""
        states = query("SELECT t.*,", self._state(named, rules), "AS state FROM", source)
        rows = query("(", states, "WHERE", within, ") AS t ANTI JOIN zdsync.rule_settled s")
        return rows + " ON s.ticket_id = t.ticket_id AND s.state = t.state"

    def keep(self, mirror: Queries, restless: Iterable[str]) -> None:
        """Note the tickets of `rule_base` that are settled: all but the `restless` ones."""
        mirror.run(Sql(_FORGET))
        mirror.run(query(Sql(_KEEP, (self.key,)), texts(restless), ")"))

    def parts(self, mirror: Queries, rules: Iterable[CompiledRule]) -> list[Sql]:
        """Cut the tickets into parts that fit into memory, where too many are not settled yet.

        Each is a condition over `t`, to stand after the scope; none where one ground holds all.
        """
        every = any(rule.scope == "all" for rule in rules)
        scope = "TRUE" if every else "t.status_type IS DISTINCT FROM 'Closed'"
        asked = Sql(_UNKNOWN.format(scope=scope), (self.key,))
        many = -(-int(mirror.rows(asked)[0][0]) // AT_ONCE)
        cut = " AND hash(t.ticket_id) % CAST(? AS UBIGINT) = CAST(? AS UBIGINT)"
        return [Sql(cut, (many, place)) for place in range(many)] if many > 1 else []

    def _state(self, named: Iterable[str], rules: Sequence[CompiledRule]) -> Sql:
        """Write the digest of what these rules read of a ticket, the columns `named` and more."""
        cells = [value(self.key), *(Sql(f"t.{ident(one)}") for one in sorted({*named} - _CLOCK))]
        cells += dict.fromkeys(test for rule in rules for test in rule.moving)
        if any(rule.needs_text or rule.probes or rule.reads_long for rule in rules):
            cells.append(Sql(DIGEST))
        if any(spoken.reads(rule) for rule in rules):
            cells.append(fresh(self.as_of))
        if any(rule.call_markers for rule in rules):
            cells.append(Sql(_CALLS))
        return "hash(" + join(", ", cells) + ")"


def _listed(value: Any) -> Any:
    """A set in an order that does not differ from process to process; any other value as text."""
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)
