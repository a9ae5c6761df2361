"""What a user can cause gives one clear message, the right exit code, nothing half-written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.loop.portal import Portal, portal
from zdsync.cli import main
from zdsync.mirror import SERVICE, hold
from zdsync.sandbox import Variant
from zdsync.sql import Sql


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    """A sandbox, and an environment that names it."""
    with portal(tmp_path, tickets=60) as made:
        _name(made, monkeypatch)
        yield made


def _name(made: Portal, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = made.settings
    for name in ("org_id", "client_id", "client_secret", "refresh_token"):
        monkeypatch.setenv(f"ZDSYNC_{name.upper()}", settings.secret(name))
    for name in ("accounts_url", "desk_url", "crm_url", "data_dir", "rules"):
        monkeypatch.setenv(f"ZDSYNC_{name.upper()}", str(getattr(settings, name)))


def _run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    said = capsys.readouterr()
    assert "Traceback" not in said.err
    return code, said.out, said.err


def test_missing_credentials_name_each_setting(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = _run(capsys, "pull")
    assert (code, out) == (2, "")
    for name in ("ORG_ID", "CLIENT_ID", "CLIENT_SECRET", "REFRESH_TOKEN"):
        assert f"ZDSYNC_{name}" in err


@pytest.mark.parametrize("name", ["REFRESH_TOKEN", "CLIENT_SECRET", "CLIENT_ID"])
def test_a_wrong_credential_is_exit_3_and_never_shown(
    name: str,
    place: Portal,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"ZDSYNC_{name}", "1000.wrong-and-secret")
    code, _, err = _run(capsys, "pull")
    assert code == 3
    assert "wrong-and-secret" not in err


def test_a_wrong_organisation_is_exit_3(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZDSYNC_ORG_ID", "777")
    code, _, err = _run(capsys, "pull")
    assert code == 3
    assert "ZDSYNC_ORG_ID" in err


def test_a_wrong_data_centre_is_exit_3_and_names_the_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with portal(tmp_path, tickets=60, variant=Variant(crm_dc_refuses=True)) as made:
        _name(made, monkeypatch)
        code, _, err = _run(capsys, "pull")
    assert code == 3
    assert "ZDSYNC_DC" in err


def test_a_missing_scope_is_exit_3_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scopes = "Desk.tickets.READ,Desk.contacts.READ,Desk.basic.READ,Desk.settings.READ"
    with portal(tmp_path, tickets=60, variant=Variant(scopes=scopes)) as made:
        _name(made, monkeypatch)
        monkeypatch.setenv("ZDSYNC_CRM", "off")
        code, _, err = _run(capsys, "pull")
    assert code == 3
    assert "Desk.search.READ" in err


def test_zoho_down_is_exit_4_and_the_mirror_stays(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(capsys, "pull")[0] == 0
    before = place.rows("SELECT count(*) FROM desk.tickets")
    monkeypatch.setattr("zdsync.clock.SystemClock.sleep", lambda self, seconds: None)
    place.box.fail_next(r"GET /api/v1/tickets/search", status=503, times=1000)
    code, _, err = _run(capsys, "pull", "desk.tickets")
    assert code == 4
    assert "desk.tickets" in err
    assert place.rows("SELECT count(*) FROM desk.tickets") == before


def test_nobody_listening_is_exit_4(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("zdsync.clock.SystemClock.sleep", lambda self, seconds: None)
    monkeypatch.setenv("ZDSYNC_ACCOUNTS_URL", "http://127.0.0.1:9")
    code, _, err = _run(capsys, "pull")
    assert code == 4
    assert "127.0.0.1" in err


def test_a_mirror_of_a_newer_version_is_exit_6_and_untouched(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    with place.app().place.work("test") as mirror:
        mirror.run(Sql("INSERT INTO zdsync.schema_version VALUES (9999)"))
    code, _, err = _run(capsys, "pull")
    assert code == 6
    assert "newer" in err


def test_a_second_service_is_exit_6_and_says_who_runs(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    app = place.app()
    with hold(app.place.settings.private_dir, SERVICE, command="zdsync run", clock=app.place.clock):
        code, _, err = _run(capsys, "run", "--once")
    assert code == 6
    assert str(os.getpid()) in err


def test_broken_rules_are_exit_2_with_every_place(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    place.rules(
        "version: 1\n"
        "rules:\n"
        "  - id: one\n"
        "    why: x\n"
        "    when: {departmnt: Support, status: {iz: Open}}\n"
        "    then: [{assign: nobody.such@clinic.example}]\n"
        "  - id: two\n"
        "    whhy: x\n"
        "    when: {status: Opn}\n"
        "    then: [{move: Suport}]\n"
    )
    code, out, err = _run(capsys, "check")
    assert (code, out) == (2, "")
    for word in ("departmnt", "iz", "nobody.such@clinic.example", "whhy", "Opn", "Suport"):
        assert word in err
    assert "rules.yaml:5:" in err
    assert "Support" in err


def test_a_missing_rules_file_is_exit_2(place: Portal, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = _run(capsys, "check", "no-such.yaml")
    assert code == 2
    assert "no-such.yaml" in err


@pytest.mark.parametrize(
    "words",
    [
        ("pull", "desk.tickits"),
        ("report", "workloads"),
        ("report", "workload", "--as-of", "yesterday"),
        ("sql", "SELEC 1"),
        ("sql", "SELECT * FROM nothing_of_the_kind"),
        ("plan", "--rule", "no-such-rule"),
    ],
)
def test_a_mistyped_word_is_exit_2(
    words: tuple[str, ...], place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    code, out, err = _run(capsys, *words)
    assert (code, out) == (2, "")
    assert err


def test_reading_without_a_mirror_says_what_to_do(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (("report", "workload"), ("sql", "SELECT 1"), ("status",)):
        code, _, err = _run(capsys, *words)
        assert code == 1
        assert "zdsync pull" in err


def test_applying_an_unknown_plan_is_exit_5(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    code, _, err = _run(capsys, "apply", "0123456789ab")
    assert code == 5
    assert "zdsync plan" in err


def test_the_brake_refuses_to_write_with_exit_5(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    assert _run(capsys, "pause")[0] == 0
    assert _run(capsys, "apply", "--yes")[0] == 5
    assert not place.box.writes
    assert _run(capsys, "resume")[0] == 0


def test_a_folder_that_cannot_be_written_is_exit_2(
    place: Portal,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ZDSYNC_DATA_DIR", str(tmp_path / "file" / "data"))
    code, _, err = _run(capsys, "pull")
    assert code == 2
    assert "ZDSYNC_DATA_DIR" in err


def test_a_full_disk_that_no_one_foresaw_is_exit_2_without_a_traceback(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device", "data/STOP")

    monkeypatch.setattr(Path, "touch", full)
    code, _, err = _run(capsys, "pause")
    assert (code, err.splitlines()[0]) == (2, "zdsync: data/STOP: No space left on device")


def test_backup_prints_where_it_is_and_refuses_the_data_directory(
    place: Portal, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert _run(capsys, "backup", str(tmp_path / "b"))[0] == 1  # no mirror yet
    assert _run(capsys, "pull")[0] == 0
    code, out, err = _run(capsys, "backup", str(tmp_path / "b"))
    assert code == 0
    assert (Path(out.strip()) / "manifest.json").exists()
    assert "tickets" in err
    code, out, err = _run(capsys, "backup", str(place.settings.data_dir / "b"))
    assert (code, out) == (2, "")
    assert "data directory" in err


def test_json_output_is_one_document_and_talk_goes_to_stderr(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(capsys, "pull")[0] == 0
    for words in (
        ("plan", "--json"),
        ("status", "--json"),
        ("report", "workload", "--format", "json"),
    ):
        code, out, _ = _run(capsys, *words)
        assert code == 0
        json.loads(out)


def test_output_into_a_closed_pipe_is_no_error(place: Portal, tmp_path: Path) -> None:
    command = f"{sys.executable} -m zdsync --help | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parent.parent.parent,
    )
    assert "Traceback" not in done.stderr


def test_one_tick_by_hand_with_broken_rules_is_exit_2_and_reads_all_the_same(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    place.rules("version: 1\nrules: [{id: broken")
    code, _, err = _run(capsys, "run", "--once")
    assert code == 2
    assert "rules.yaml:2:" in err
    assert place.rows("SELECT count(*) FROM desk.tickets")[0][0] > 0


def test_a_proxy_of_the_environment_is_not_asked_for_this_machine(
    place: Portal, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    assert _run(capsys, "pull", "desk.departments")[0] == 0


def test_reconcile_prints_a_line_a_stream_or_json_and_refuses_what_it_cannot_compare(
    place: Portal, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = _run(capsys, "reconcile", "desk.tickets")
    assert code == 0
    assert out.startswith("desk.tickets: 1 windows")
    code, out, _ = _run(capsys, "reconcile", "desk.accounts", "--json", "--accept-deletes")
    assert code == 0
    assert json.loads(out)[0]["stream"] == "desk.accounts"
    code, out, err = _run(capsys, "reconcile", "desk.agents")
    assert (code, out) == (2, "")
    assert "desk.agents" in err
