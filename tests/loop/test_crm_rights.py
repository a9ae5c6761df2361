"""A CRM that refuses or hides: Desk goes on, and no rule acts on what it cannot see."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from zdsync.cli import main
from zdsync.errors import Misconfigured, Refused
from zdsync.sandbox import Variant

RULES = """
version: 1
limits: {share_of_open_tickets: 100%, changes_per_rule: 3000, changes_per_tick: 3000}
rules:
  - id: no-tier
    why: A test.
    mode: apply
    when: {account.sla_tier: {known: false}}
    then:
      - set: {priority: Low}
"""


def _exit(place: Portal, monkeypatch: pytest.MonkeyPatch, *command: str) -> int:
    for name, value in place.settings.model_dump(exclude_none=True, exclude_defaults=True).items():
        told = value.get_secret_value() if hasattr(value, "get_secret_value") else value
        monkeypatch.setenv(f"ZDSYNC_{name.upper()}", str(told))
    return main(list(command))


def test_a_pull_of_which_only_the_crm_failed_is_exit_1_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    variant = Variant(crm_forbidden="Contacts", crm_no_modules="Leads")
    with portal(tmp_path, tickets=60, variant=variant) as place:
        monkeypatch.chdir(tmp_path)
        assert _exit(place, monkeypatch, "pull") == 1
        said = capsys.readouterr().err
        assert "crm.contacts" in said and "NO_PERMISSION" in said
        assert "crm.leads: the CRM has no module Leads" in said
        assert _exit(place, monkeypatch, "pull", "crm.contacts") == 4
        assert place.rows("SELECT count(*) FROM desk.tickets")[0][0] > 30


def test_a_crm_without_rights_does_not_keep_desk_from_being_compared(tmp_path: Path) -> None:
    variant = Variant(crm_forbidden="Contacts,Accounts,Leads")
    with portal(tmp_path, tickets=60, variant=variant) as place:
        with pytest.raises(Refused):
            place.app().tick()
        done = "SELECT count(*) FROM zdsync.options WHERE starts_with(name, 'reconciled.desk')"
        assert place.rows(done) == [(1,)]


def test_a_rule_that_a_hidden_field_would_make_true_is_refused_and_paused(tmp_path: Path) -> None:
    with portal(tmp_path) as place:
        place.rules(RULES)
        app = place.app()
        app.tick()
        first = len(place.box.writes)
        assert first
        object.__setattr__(place.box.variant, "crm_hidden_fields", "Accounts.SLA_Tier")
        place.pull(names=["crm.fields"])
        with pytest.raises(Misconfigured) as broken:
            place.app().check(None).refuse()
        assert "privacy settings hide Accounts.SLA_Tier" in broken.value.problems[0].what
        app.tick()  # the last good file stays, but not this rule
        assert len(place.box.writes) == first
