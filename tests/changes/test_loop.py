"""The room against the real mirror, the real connector and the sandbox: pull, plan, apply, plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from zdsync.changes.apply import apply_plan
from zdsync.changes.evaluate import evaluate
from zdsync.changes.journal import Journal
from zdsync.changes.plan import Plan
from zdsync.changes.sight import sighted
from zdsync.clock import SystemClock
from zdsync.connectors import Crm, Desk
from zdsync.mirror import Mirror
from zdsync.pull import Puller, Quiet
from zdsync.rules import compile_rule, load_rules
from zdsync.sandbox import Sandbox
from zdsync.sql import Sql
from zdsync.transport import connect

RULES = """
version: 1
taxonomies:
  area:
    Omnichannel: [omnichannel, livechat]
    Authentication: [saml, sso]
    UX: {tag: UX-UI, words: [button]}
rules:
  - id: to-support
    why: IT never answers patients.
    mode: apply
    when: {department: IT, contact.in_crm: true}
    then: [{move: Support}]
  - id: owner
    why: A patient is answered by the owner of the contact.
    mode: apply
    when: {department: [Support, IT], contact.owner: {known: true}}
    then: [{assign: {field: contact.owner}}]
  - id: sla
    why: The tier decides.
    mode: apply
    when: {account.sla_tier: {known: true}}
    then:
      - set:
          priority:
            lookup: account.sla_tier
            in: {Gold: High, Silver: Medium}
            else: Low
            never_lower: true
  - id: area
    why: Reports need tags.
    mode: apply
    when: {department: [Paid Support, Community, Trials]}
    then: [{tag: {from: area, search: [subject, description], at_most: 2}}]
  - id: pitch
    why: Vendors' pitches need no answer.
    mode: apply
    when: {contact.in_crm: false, text: {contains_any: [seo, trustpilot, ranking]}}
    then: [{close: {outcome: Spam, notify_contact: false}}, spam]
"""


@dataclass
class Loop:
    """One portal in the sandbox and its mirror."""

    sandbox: Sandbox
    desk: Desk
    mirror: Mirror
    puller: Puller
    journal: Journal
    clock: SystemClock

    def plan(self) -> Plan:
        portal, now = self.mirror.portal(), self.clock.now()
        loaded = load_rules(RULES, "rules.yaml", portal)
        assert loaded.problems == ()
        rules = [compile_rule(one, loaded.rules, portal, now) for one in loaded.rules.rules]
        digest = loaded.rules.digest
        plan = evaluate(self.mirror, rules, portal, as_of=now, rules_digest=digest).plan()
        if not plan.needs.tags:
            return sighted(plan, self.mirror)
        tags = {ticket: self.desk.tags_of(ticket) for ticket in plan.needs.tags}
        self.mirror.set_tags(tags, now)
        made = evaluate(self.mirror, rules, portal, as_of=now, rules_digest=digest).plan()
        return sighted(made, self.mirror)


@pytest.fixture
def loop(tmp_path: Path) -> Iterator[Loop]:
    clock, sandbox = SystemClock(), Sandbox(tickets=800)
    with sandbox.serve() as creds:
        names = (
            "client_id",
            "client_secret",
            "refresh_token",
            "accounts_url",
            "desk_url",
            "crm_url",
        )
        way = connect(
            **{name: creds[name] for name in names},  # type: ignore[arg-type]
            org_id=creds["org_id"],
            token_cache=tmp_path / "token.json",
            clock=clock,
        )
        assert way.crm is not None
        desk, crm = Desk(way.desk, clock), Crm(way.crm, clock, {})
        desk.organization(creds["org_id"])
        path = tmp_path / "private" / "work.duckdb"
        with Mirror.open(path, memory="256MB", options={}, clock=clock) as mirror:
            puller = Puller(mirror, desk, crm, clock, Quiet(), lambda: 5, list, "pull")
            assert not [one for one in puller.pull() if one.error]
            yield Loop(sandbox, desk, mirror, puller, Journal(tmp_path / "journal", clock), clock)
        way.close()


def test_promise_8_on_the_sandbox_apply_then_plan_and_pull_then_plan_are_empty(loop: Loop) -> None:
    plan = loop.plan()
    assert {change.rule for change in plan.changes} == {
        "to-support",
        "owner",
        "sla",
        "area",
        "pitch",
    }
    before = len(loop.sandbox.calls)
    result = apply_plan(
        plan,
        desk=loop.desk,
        mirror=loop.mirror,
        journal=loop.journal,
        clock=loop.clock,
        run_id="run1",
    )
    assert result.clean, result.failures[:3]
    assert len(loop.sandbox.calls) - before <= plan.cost.calls
    assert loop.plan().changes == ()
    loop.puller.pull()
    assert loop.plan().changes == ()
    assert not [mail for mail in loop.sandbox.mails if mail.kind == "closed"]
    loop.mirror.load_journal(loop.journal.lines())
    kept = loop.mirror.rows(Sql("select outcome, count(*) from zdsync.journal group by outcome"))
    outcomes = {str(outcome): int(count) for outcome, count in kept}
    assert outcomes.keys() <= {"applied", "already"}  # already: whom the move left in place
    assert sum(outcomes.values()) == len(plan.changes)
    actors = loop.mirror.rows(Sql("select distinct actor from zdsync.ticket_changes"))
    assert ("zdsync",) in actors


def test_promise_6_on_the_sandbox_somebody_elses_edit_survives(loop: Loop) -> None:
    plan = loop.plan()
    change = next(one for one in plan.changes if one.rule == "sla")
    other = next(
        name for name in ("Low", "Medium", "High") if name not in {change.before, change.after}
    )
    loop.sandbox.edit(change.ticket_id, priority=other)
    result = apply_plan(
        plan,
        desk=loop.desk,
        mirror=loop.mirror,
        journal=loop.journal,
        clock=loop.clock,
        run_id="run1",
    )
    assert [(one.ticket_id, receipt.outcome) for one, receipt in result.failures] == [
        (change.ticket_id, "stale")
    ]
    assert loop.sandbox.state.tickets[change.ticket_id].priority == other


def test_promise_7_on_the_mirror_the_plan_id_stays_while_nothing_changes(loop: Loop) -> None:
    first = loop.plan()
    second = loop.plan()
    assert second.as_of - first.as_of > timedelta(0)
    assert first.plan_id == second.plan_id
