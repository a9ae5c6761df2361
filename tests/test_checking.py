"""What `zdsync check` says, as text and as a document."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from zdsync.cli import main

BROKEN = """
version: 1
rules:
  - id: one
    when: {departmnt: Support}
    then: [{move: Suport}]
"""
ABSENT = """
version: 1
rules:
  - id: absent
    mode: apply
    when: {department: Suport}
    then: [{set: {priority: High}}]
  - id: may-rest
    optional: true
    mode: apply
    when: {department: Nowhere}
    then: [{set: {priority: High}}]
  - id: well
    mode: apply
    when: {status: Open}
    then: [{set: {category: Defects}}]
"""
KEYS = {"where", "line", "column", "what", "hint", "text", "rule"}


@pytest.fixture(scope="module")
def pulled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    with portal(tmp_path_factory.mktemp("checking"), tickets=60) as made:
        made.pull()
        yield made


def run(
    place: Portal | None,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *words: str,
) -> tuple[int, str, str]:
    if place is not None:
        for name in ("org_id", "client_id", "client_secret", "refresh_token"):
            monkeypatch.setenv(f"ZDSYNC_{name.upper()}", place.settings.secret(name))
        for name in ("accounts_url", "desk_url", "crm_url", "data_dir", "rules"):
            monkeypatch.setenv(f"ZDSYNC_{name.upper()}", str(getattr(place.settings, name)))
    code = main(list(words))
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_document_has_stable_keys_and_every_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(tmp_path / "data"))
    Path("mine.yaml").write_text(BROKEN)
    code, out, err = run(None, monkeypatch, capsys, "check", "mine.yaml", "--json")
    assert code == 2
    assert err == ""
    told = json.loads(out)
    assert list(told) == ["file", "problems", "notes", "could_not"]
    assert told["file"] == "mine.yaml"
    (problem,) = told["problems"]
    assert set(problem) == KEYS
    assert (problem["line"], problem["column"], problem["rule"]) == (5, 12, "one")
    assert problem["where"] == "mine.yaml:5:12"
    assert problem["text"] == "departmnt"
    assert "department" in problem["hint"]
    assert any("names of agents" in one for one in told["could_not"]), "no mirror yet"


def test_check_refuses_unknown_names_and_lets_optional_rules_rest(
    pulled: Portal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled.rules(ABSENT)
    code, out, err = run(pulled, monkeypatch, capsys, "check", "--json")
    told = json.loads(out)
    assert code == 2
    assert [one["rule"] for one in told["problems"]] == ["absent"]
    assert "Support" in told["problems"][0]["hint"]
    assert [one["rule"] for one in told["notes"]] == ["may-rest"]
    assert told["could_not"] == []
    code, out, err = run(pulled, monkeypatch, capsys, "check")
    assert (code, out) == (2, "")
    assert "rules.yaml:6:" in err
    assert "may-rest rests here: no department 'Nowhere' in the portal" in err


def test_only_check_minds_unknown_names_the_other_rules_go_on(
    pulled: Portal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled.rules(ABSENT)
    code, out, err = run(pulled, monkeypatch, capsys, "plan", "--json")
    assert code == 0
    plan = json.loads(out)
    assert {one["rule"] for one in plan["changes"]} == {"well"}
    skipped = {one["rule"]: one["reason"] for one in plan["skipped"]}
    assert "no department 'Suport' in the portal" in skipped["absent"]
    assert "rules.yaml:6:" in skipped["absent"]
    assert "did you mean Support" in skipped["absent"]
    assert skipped["may-rest"].startswith("rests here: ")
    assert "skipped=absent" in err
    assert "skipped=may-rest" not in err, "it may rest"
    code, out, _ = run(pulled, monkeypatch, capsys, "plan", "--rule", "absent", "--json")
    assert code == 0
    assert json.loads(out)["changes"] == []
    code, _, err = run(pulled, monkeypatch, capsys, "run", "--once")
    assert code == 0
    assert "skipped=absent" in err
    assert pulled.box.writes


def test_a_pattern_that_only_re2_refuses_pauses_its_rule_and_not_the_run(
    pulled: Portal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled.rules(
        "version: 1\nrules:\n"
        "  - {id: odd, when: {subject: {matches: 'x{1001}'}}, then: [{tag: [seen]}]}\n"
        "  - {id: well, when: {status: Open}, then: [{set: {classification: Problem}}]}\n"
    )
    code, out, _ = run(pulled, monkeypatch, capsys, "plan", "--json")
    plan = json.loads(out)
    assert code == 0
    assert [one["rule"] for one in plan["skipped"]] == ["odd"]
    assert "RE2" in plan["skipped"][0]["reason"]
    assert {one["rule"] for one in plan["changes"]} <= {"well"}
    code, out, _ = run(pulled, monkeypatch, capsys, "check", "--json")
    assert code == 2
    assert [(one["line"], one["rule"]) for one in json.loads(out)["problems"]] == [(3, "odd")]


def test_names_that_were_taken_are_told_only_on_demand(
    pulled: Portal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pulled.rules(
        "version: 1\nsettings: {names: {Soutien: [Support]}}\nrules:\n"
        "  - {id: one, when: {department: Soutien}, then: [{set: {category: Defects}}]}\n"
    )
    code, out, err = run(pulled, monkeypatch, capsys, "check", "--json")
    assert (code, json.loads(out)["notes"]) == (0, [])
    code, out, _ = run(pulled, monkeypatch, capsys, "-v", "check", "--json")
    (note,) = json.loads(out)["notes"]
    assert note["what"] == "'Soutien' is called 'Support' in this portal"
    code, out, err = run(pulled, monkeypatch, capsys, "check")
    assert code == 0
    assert "1 rules (1 plan), 0 examples hold" in out
    assert "Soutien" not in err
    code, _, err = run(pulled, monkeypatch, capsys, "-v", "check")
    assert "'Soutien' is called 'Support'" in err


def test_explain_goes_on_without_rules_that_rest_and_says_so(
    pulled: Portal, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = "  - {id: odd, when: {subject: {matches: 'x{1001}'}}, then: [{tag: [seen]}]}\n"
    pulled.rules(ABSENT + odd)
    ((number,),) = pulled.rows(
        "SELECT ticket_number FROM desk.tickets WHERE presence = 'live' ORDER BY id LIMIT 1"
    )
    code, out, _ = run(pulled, monkeypatch, capsys, "explain", number, "--json")
    told = json.loads(out)
    assert code == 0
    assert [one["rule"] for one in told["rules"]] == ["well"]
    said = " ".join(told["ignored"])
    assert "absent is skipped: no department 'Suport'" in said
    assert "odd is skipped: RE2" in said


def test_a_check_waits_for_no_way_to_the_portal() -> None:
    code = (
        "import sys, zdsync.cli.checked;"
        "print({'requests', 'zdsync.connectors', 'zdsync.pull', 'zdsync.app'} & set(sys.modules))"
    )
    here = Path(__file__).parents[1]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
