"""Text of `rules.yaml` → rules, and every problem in it.

Owns: the order of the checks (YAML, shape, names, conditions, actions, examples) and what a rule
is once read. Promises: all problems at once, in the order of the file; nothing is raised for what
an admin wrote. Must not: read a file, the clock or the mirror.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from zdsync.errors import Problem
from zdsync.model import Portal, Voice
from zdsync.rules import speech
from zdsync.rules.actions import ActionReader
from zdsync.rules.agreement import Asked, read_agreement, rule_digest
from zdsync.rules.calendars import read_calendars
from zdsync.rules.compile import compile_condition, folds_in
from zdsync.rules.compiled import (
    Action,
    CompiledRule,
    RuleMode,
    Scope,
    Tags,
    streams_of,
)
from zdsync.rules.condition import Condition, fields_of
from zdsync.rules.due import instants, settled
from zdsync.rules.fields import RuleField
from zdsync.rules.folding import needle, word
from zdsync.rules.given import Example, read_example
from zdsync.rules.hidden import silent_truths
from zdsync.rules.hits import evidence_hits
from zdsync.rules.judge import judge_rule
from zdsync.rules.limits import Limits, read_limits
from zdsync.rules.models import CALL_MARKERS
from zdsync.rules.moving import moving_tests
from zdsync.rules.names import Names
from zdsync.rules.nodes import Node, Notes, in_order, read_yaml
from zdsync.rules.now import Calendars, Now, business
from zdsync.rules.operands import Operands
from zdsync.rules.parse import Parser
from zdsync.rules.probes import probes_of, quicken, reads_long
from zdsync.rules.resting import Resting, left_to_mend, other_names, resting
from zdsync.rules.shape import check_shape
from zdsync.rules.taxonomy import Taxonomy, read_taxonomy
from zdsync.sql import Sql


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as read: its condition as a tree, its actions, its examples."""

    id: str
    why: str
    mode: RuleMode
    index: int
    scope: Scope
    stop: bool
    reassert: bool
    when: Condition
    actions: tuple[Action, ...]
    text_fields: tuple[RuleField, ...]  # read by actions as searchable text
    plain_fields: tuple[RuleField, ...]  # read by actions as they are
    examples: tuple[Example, ...]
    where: str
    again_after: timedelta | None = None
    formerly: tuple[str, ...] = ()
    digest: str = ""  # names what the rule says
    asked: Asked | None = None  # the agreement with people that it needs to write


@dataclass(frozen=True, slots=True)
class RuleFile:
    """The whole file; `digest` names its content, whatever its comments and layout.

    `resting` are the rules that lack a name in this portal: they are not among `rules`.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    limits: Limits = field(default_factory=Limits)
    taxonomies: Mapping[str, Taxonomy] | None = None
    digest: str = ""
    call_markers: tuple[str, ...] = ()
    calendars: Calendars = field(default_factory=Calendars)
    resting: tuple[Resting, ...] = ()


@dataclass(frozen=True, slots=True)
class Loaded:
    """What could be read, and every problem; a broken file must not run.

    `remarks`: names that were found under another name; nothing to mend.
    """

    rules: RuleFile
    problems: tuple[Problem, ...]
    remarks: tuple[Problem, ...] = ()

    @property
    def broken(self) -> bool:
        """Whether a problem is of the file itself; those of names pause only their rule."""
        return any(problem.kind == "file" for problem in self.problems)


def load_rules(
    text: str, name: str, portal: Portal | None = None, voice: Voice | None = None
) -> Loaded:
    """Read and check a rules file; `name` stands before line and column in every problem.

    Without a portal (or with one that is not known yet) names of agents, departments, statuses
    and custom fields are taken as they stand; without a voice, the names that are notified.
    """
    notes = Notes(name)
    root = read_yaml(text, notes)
    if root is None:
        return Loaded(RuleFile(name), notes.problems())
    check_shape(root, notes)
    file = _File(root, notes, portal, voice).read()
    return Loaded(file, left_to_mend(root, notes, file.resting), in_order(notes.remarks))


def compile_rule(
    rule: Rule, file: RuleFile, portal: Portal | None, as_of: datetime
) -> CompiledRule:
    """Write the SQL of one rule; durations count from `as_of` (aware) by the file's calendars."""
    now = Now(as_of, file.calendars)
    hangs = now.reads(instants(rule.when, rule.actions))
    taken = (*rule.plain_fields, *rule.text_fields, *hangs)
    reads = tuple(dict.fromkeys((*fields_of(rule.when), *taken)))
    folds = folds_in(rule.when, (*rule.text_fields, *hangs))
    tags = any(isinstance(action, Tags) for action in rule.actions)
    asked = quicken(rule.when)
    values = (*rule.plain_fields, *rule.text_fields)
    return CompiledRule(
        id=rule.id,
        why=rule.why,
        mode=rule.mode,
        index=rule.index,
        where=compile_condition(rule.when, now),
        actions=tuple(settled(action, now) for action in rule.actions),
        reads=reads,
        streams=streams_of(reads, rule.actions),
        evidence=tuple((field.name, _evidence(field)) for field in reads),
        folds=folds,
        reads_tags=tags or any(field.kind == "set" for field in reads),
        needs_text=any(fold.long for fold in folds),
        scope=rule.scope,
        stop=rule.stop,
        reassert=rule.reassert,
        hits=evidence_hits(rule.when, rule.actions, rule.text_fields, file.taxonomies or {}),
        judged=judge_rule(rule.when, values, now),
        probes=probes_of(rule.when, rule.actions),
        quick=judge_rule(asked, values, now) or compile_condition(asked, now),
        reads_long=reads_long(asked, rule.actions),
        moving=moving_tests(rule.when, now),
        call_markers=file.call_markers if any(one.name == "attempts" for one in reads) else (),
        again_after=rule.again_after,
        formerly=rule.formerly,
    )


def _evidence(field: RuleField) -> Sql:
    """Show the value that a person would look for; of long text only whether there is any."""
    if field.name in ("text", "description"):
        return "CASE WHEN " + field.raw + " <> '' THEN '(text)' END"
    if field.kind == "set":
        return "array_to_string(" + field.raw + ", ', ')"
    return field.raw if field.kind == "bool" else "CAST(" + field.raw + " AS VARCHAR)"


class _File:
    """Reads the sections of one file whose YAML could be read."""

    def __init__(
        self, root: Node, notes: Notes, portal: Portal | None, voice: Voice | None
    ) -> None:
        self.root, self.notes, self.portal, self.voice = root, notes, portal, voice
        self.names = Names(portal, notes, other_names(root.get("settings")))
        self.calendars, self.resting = Calendars(), list[Resting]()
        lists = {key.text: value.items or () for key, value in self._section("lists")}
        self.parser = Parser(portal, notes, Operands(notes, self.names, lists))
        # An example may name people whom the portal does not know: that is no problem.
        unresolved = replace(self.names, notes=Notes(notes.file))
        self.example_parser = Parser(portal, notes, Operands(notes, unresolved, lists))

    def read(self) -> RuleFile:
        self.calendars = read_calendars(self.root.get("settings"), self.names)
        taxonomies = {
            key.text: read_taxonomy(key.text, value, self.notes)
            for key, value in self._section("taxonomies")
        }
        rules: list[Rule] = []
        seen: dict[str, int] = {}
        section = self.root.get("rules")
        for index, node in enumerate((section.items if section else None) or ()):
            self._unique(node, seen)
            rule = self._rule(node, index, taxonomies)
            rules += [rule] if rule else []
        speech.check_memories((section.items if section else None) or (), self.notes)
        plain = json.dumps(self.root.plain(), sort_keys=True, ensure_ascii=False, default=str)
        digest = hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
        markers = self._call_markers()
        limits, rests = read_limits(self.root.get("limits")), tuple(self.resting)
        file, calendars = self.notes.file, self.calendars
        return RuleFile(file, tuple(rules), limits, taxonomies, digest, markers, calendars, rests)

    def _call_markers(self) -> tuple[str, ...]:
        """How a comment on a call begins, as searchable text."""
        settings = self.root.get("settings")
        listed = settings.get("call_markers") if settings else None
        if listed is None:
            return tuple(needle(word(text)) for text in CALL_MARKERS)
        found = [(item, word(item.text)) for item in listed.items or () if item.scalar]
        for item, folded in found:
            if not folded.strip("*"):
                self.notes.add(item, "an empty marker would fit every comment", "take it out")
        return tuple(needle(folded) for _, folded in found if folded.strip("*"))

    def _section(self, name: str) -> tuple[tuple[Node, Node], ...]:
        node = self.root.get(name)
        return (node.pairs if node else None) or ()

    def _unique(self, node: Node, seen: dict[str, int]) -> None:
        id_ = node.get("id")
        if id_ is None:
            return
        if id_.text == "undo":
            hint = "the journal calls by it what zdsync undo writes; give the rule another id"
            self.notes.add(id_, "the id 'undo' is reserved", hint)
        if id_.text in seen:
            hint = f"the first is on line {seen[id_.text]}"
            self.notes.add(id_, f"two rules have the id {id_.text!r}", hint)
        seen.setdefault(id_.text, id_.line)

    def _rule(self, node: Node, index: int, taxonomies: Mapping[str, Taxonomy]) -> Rule | None:
        before = len(self.notes.found)
        again = speech.again_after(node.get("again_after"), self.notes)
        former = speech.formerly(node.get("formerly"), self.notes)
        when, then = node.get("when"), node.get("then")
        condition = self.parser.condition(when) if when else None
        self._silent(condition)
        reader = ActionReader(
            self.portal, self.notes, self.names, self.parser, taxonomies, self.voice
        )
        items = (then.items if then else None) or ()
        actions = [action for item in items for action in reader.read(item)]
        listed = node.get("examples")
        examples = [
            read_example(item, self.example_parser)
            for item in (listed.items if listed else None) or ()
        ]
        found = in_order(self.notes.found[before:])
        if condition and business(instants(condition, actions)):
            found = (*self.calendars.lacking, *found)
        rests = resting(node, found) if found else None
        self.resting += [rests] if rests else []
        if condition is None or not actions or found:
            return None
        return Rule(
            _word(node, "id", ""),
            _word(node, "why", ""),
            _word(node, "mode", "plan"),  # type: ignore[arg-type]  # the shape was checked
            index,
            _word(node, "scope", "open"),  # type: ignore[arg-type]  # the shape was checked
            _flag(node, "stop"),
            _flag(node, "reassert"),
            condition,
            tuple(actions),
            tuple(dict.fromkeys(reader.texts)),
            tuple(dict.fromkeys(reader.plains)),
            tuple(example for example in examples if example),
            f"{self.notes.file}:{node.line}:{node.column}",
            again,
            former,
            rule_digest(node, self.root),
            read_agreement(node.get("needs_agreement")),
        )

    def _silent(self, condition: Condition | None) -> None:
        """Note what would hold because a value is hidden."""
        for compare, name in silent_truths(condition, self.portal) if condition else ():
            line, column = map(int, compare.where.rsplit(":", 2)[1:])
            what = f"`{compare.text}`: privacy settings hide {name}, so empty does not mean empty"
            hint = "ask for a value instead, or lift the restriction of the field in the CRM"
            self.notes.add(Node(line=line, column=column), what, hint, "lack")


def _word(node: Node, key: str, default: str) -> str:
    found = node.get(key)
    return found.text if found else default


def _flag(node: Node, key: str) -> bool:
    found = node.get(key)
    return bool(found and found.value)
