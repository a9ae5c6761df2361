"""What a rule becomes: SQL over the ground of the rules, and actions as data.

Every `Sql` here is an expression over one row of the alias `t`, the relation `rule_ground`: all
columns of `zdsync.rule_tickets` and, for each FoldColumn that the rules of a run name, one column
of searchable text (`folding.searchable`: folded, borders of words marked). An expression of a
condition yields true or false, never null. Values travel in `params` only. Nothing here reads the
mirror, the clock or the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from zdsync.model import Agent, Named, Scalar
from zdsync.rules.fields import RuleField
from zdsync.rules.instants import Moment
from zdsync.rules.probe import Probe
from zdsync.rules.templates import Template
from zdsync.sql import Sql

RuleMode = Literal["off", "plan", "apply"]
Scope = Literal["open", "all"]


@dataclass(frozen=True, slots=True)
class FoldColumn:
    """A text column that `rule_ground` must offer: `column` = `searchable(raw)`, null where null.

    `raw` is the text to fold, an expression over `t` (a column of `zdsync.rule_tickets`, or one
    key of a JSON column). `long` marks subject and description, whose folded text is cached in
    `zdsync.folded`; the others are short: `folding.searchable_in_sql(raw)` does plain ASCII and
    yields null for the rest (`folding.needs_python(raw)`), few distinct values for Python.
    """

    column: str
    raw: Sql
    long: bool = False


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """One agent by name; `agent` is None where the portal is not known yet (check only)."""

    name: str
    agent: Agent | None


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """One team by name: fills an empty assignee only (rules-language.md, Actions)."""

    name: str
    team: Named | None


@dataclass(frozen=True, slots=True)
class AmongChoice:
    """The least busy of several agents, by name: fills an empty assignee only."""

    agents: tuple[tuple[str, Agent | None], ...]


@dataclass(frozen=True, slots=True)
class FieldChoice:
    """The agent whose e-mail `value` yields; null or '' means: try the next choice."""

    field: str
    value: Sql


@dataclass(frozen=True, slots=True)
class Nobody:
    """Empties the assignee."""


Choice = AgentChoice | TeamChoice | AmongChoice | FieldChoice | Nobody


@dataclass(frozen=True, slots=True)
class Assign:
    """Sets the assignee: the first choice that resolves to an agent of the department wins."""

    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Const:
    """A value that stands in the rule."""

    value: Scalar


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The value of another field."""

    field: str
    value: Sql


@dataclass(frozen=True, slots=True)
class Lookup:
    """A table from the searchable text of `key` to values.

    An empty key changes nothing; a miss takes `default`; without one (`has_default` False) a miss
    changes nothing.
    """

    field: str
    key: Sql  # searchable text, null or '' where empty
    table: Mapping[str, Scalar]
    default: Scalar = None
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Due:
    """When a ticket is due: what `table` says of the searchable text of `key`, else `when`.

    Without a `key` always `when`; with one a miss takes `when` if `has_default`, else nothing.
    """

    when: Moment | None
    key: Sql | None = None
    table: Mapping[str, Moment | None] = field(default_factory=dict)
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class SetField:
    """Sets one field (a name of the language: `priority`, `status`, `cf.cf_x`, …).

    `wanted` yields what `value` describes, as VARCHAR, and `decides` whether the rule wants any
    value at all for this ticket (an empty lookup key, a miss without `else`: false). `decides`
    with a null `wanted` empties the field. `never_lower`: a priority above `wanted` stays.
    """

    field: str
    value: Const | FieldValue | Lookup | Due
    wanted: Sql
    decides: Sql
    never_lower: bool = False


@dataclass(frozen=True, slots=True)
class TaxonomyTags:
    """Tags found in the text: `tags` yields VARCHAR[], best first, at most `at_most`, no null.

    `kept` yields the same from what `probe` found before; both None where it searches fields
    other than subject and description.
    """

    name: str
    tags: Sql
    at_most: int
    probe: Probe | None = None
    kept: Sql | None = None


@dataclass(frozen=True, slots=True)
class Tags:
    """Adds and removes tags; a taxonomy adds only."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    taxonomy: TaxonomyTags | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """Moves the ticket; `target` is None where the portal is not known yet."""

    department: str
    target: Named | None


@dataclass(frozen=True, slots=True)
class Close:
    """Closes the ticket; `status` None means the portal's own closed status."""

    outcome: str | None
    status: str | None
    notify_contact: bool = True


@dataclass(frozen=True, slots=True)
class Spam:
    """Marks the ticket as spam, never the contact."""


@dataclass(frozen=True, slots=True)
class Comment:
    """Adds a comment, for the agents unless `public`."""

    text: Template
    public: bool = False


@dataclass(frozen=True, slots=True)
class Reply:
    """Answers the ticket's address by e-mail from `sender`, an address of the portal."""

    text: Template
    sender: str


@dataclass(frozen=True, slots=True)
class Notify:
    """Tells people: names of the settings, or fields that hold an agent's e-mail."""

    to: tuple[str | FieldChoice, ...]
    text: Template


Speech = Comment | Reply | Notify
Action = Assign | SetField | Tags | Move | Close | Spam | Comment | Reply | Notify


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """One rule, ready to run.

    `index` is its place in the file. `where` is the whole `when` (scope and presence are not in
    it: `scope` says which tickets may be asked). `evidence` names each field that the condition or
    an action reads, with an expression for its raw value. `streams` are the streams that must be
    fresh (promise 11). `reads_tags`: the condition or an action needs the ticket's tags.
    `needs_text`: subject or description must be folded. `hits` yield the words that a text
    condition found (VARCHAR[]), for the plan's evidence. `judged` is `where` of a rule that reads
    what hangs on tickets: null of a ticket for which that is not known and would decide.
    `probes` are the questions to long text of the condition and the actions; `quick` is `judged`
    (or `where`) with their answers in columns.
    `moving`: tests whose answers tell whether the clock turned a part of the condition.
    `call_markers`: with what a comment on a call begins, searchable; of rules that read attempts.
    `again_after`: after how long the rule may speak again in a ticket, None: never. `formerly`:
    earlier ids, whose memory of what was said is this rule's.
    """

    id: str
    why: str
    mode: RuleMode
    index: int
    where: Sql
    actions: tuple[Action, ...]
    reads: tuple[RuleField, ...]
    streams: frozenset[str]
    evidence: tuple[tuple[str, Sql], ...]
    folds: tuple[FoldColumn, ...]
    reads_tags: bool
    needs_text: bool
    scope: Scope = "open"
    stop: bool = False
    reassert: bool = False
    hits: tuple[tuple[str, Sql], ...] = field(default=())
    judged: Sql | None = None
    call_markers: tuple[str, ...] = ()
    again_after: timedelta | None = None
    formerly: tuple[str, ...] = ()
    probes: tuple[Probe, ...] = ()
    quick: Sql | None = None
    moving: tuple[Sql, ...] = ()
    reads_long: bool = True  # `quick` or an action reads a description all the same

    @property
    def hangs(self) -> frozenset[str]:
        """What the condition and the values of actions read that hangs on tickets."""
        return frozenset(one.hangs for one in self.reads if one.hangs)

    @property
    def destructive(self) -> bool:
        """Whether the lower limits apply: close, spam, move, reply."""
        return any(isinstance(action, Close | Spam | Move | Reply) for action in self.actions)


def fold_columns(rules: Iterable[CompiledRule]) -> tuple[FoldColumn, ...]:
    """List each folded column that these rules need, once, in a stable order."""
    found = {fold.column: fold for rule in rules for fold in rule.folds}
    return tuple(found[column] for column in sorted(found))


def streams_of(reads: Iterable[RuleField], actions: Iterable[Action]) -> frozenset[str]:
    """What must be fresh for a rule to act: for the least busy agent also who is active, where."""
    found = frozenset({"desk.tickets"}).union(*(field.streams for field in reads))
    for action in actions:
        for choice in action.choices if isinstance(action, Assign) else ():
            if isinstance(choice, AmongChoice | TeamChoice):
                found |= {"desk.agents"}
            if isinstance(choice, TeamChoice):
                found |= {"desk.teams"}
    return found
