"""Settings: every problem at once, near names, no secret in sight."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from zdsync.diagnostics import render
from zdsync.errors import Misconfigured
from zdsync.settings import load_settings


def _refused() -> Misconfigured:
    with pytest.raises(Misconfigured) as caught:
        load_settings()
    return caught.value


def test_defaults_are_safe() -> None:
    settings = load_settings()
    assert settings.every == timedelta(minutes=5)
    assert settings.credit_reserve == 0.2
    assert settings.data_dir == Path("data")


def test_environment_beats_dotenv_beats_toml(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "zdsync.toml").write_text('dc = "in"\nevery = "1m"\nmemory = "1GB"\n')
    (tmp_path / ".env").write_text("ZDSYNC_DC=eu\nZDSYNC_EVERY=2m\n")
    monkeypatch.setenv("ZDSYNC_DC", "AU")
    settings = load_settings()
    assert (settings.dc, settings.every, settings.memory) == ("au", timedelta(minutes=2), "1GB")


def test_all_problems_are_reported_at_once_with_near_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "DC": "eus",
        "EVERY": "soon",
        "DESK_URL": "http://desk.zoho.eu/api/v1",
        "CLIENTID": "x",
        "CRM": "maybe",
        "OWNER_MAP": "ana@clinic.example",
        "ORG_ID_FILE": "/nowhere/org",
    }.items():
        monkeypatch.setenv("ZDSYNC_" + name, value)
    text = render(_refused())
    for part in ("DC", "EVERY", "DESK_URL", "CLIENTID", "CRM", "OWNER_MAP", "ORG_ID_FILE"):
        assert "ZDSYNC_" + part in text
    assert "did you mean eu?" in text
    assert "did you mean ZDSYNC_CLIENT_ID?" in text


def test_a_name_far_from_ours_belongs_to_somebody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZDSYNC_SOMETHING_OF_A_WRAPPER", "x")
    load_settings()


def test_a_secret_may_come_from_a_file_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("1000.verysecret\n")
    monkeypatch.setenv("ZDSYNC_REFRESH_TOKEN_FILE", str(tmp_path / "token"))
    settings = load_settings()
    assert settings.secret("refresh_token") == "1000.verysecret"
    assert "verysecret" not in repr(settings) + str(settings)


def test_plain_http_is_for_this_machine_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZDSYNC_DESK_URL", "http://127.0.0.1:8099/api/v1/")
    assert load_settings().desk_url == "http://127.0.0.1:8099/api/v1"


def test_missing_credentials_name_each_setting() -> None:
    named = [problem.where for problem in load_settings().missing_credentials()]
    assert named == [
        "ZDSYNC_ORG_ID",
        "ZDSYNC_CLIENT_ID",
        "ZDSYNC_CLIENT_SECRET",
        "ZDSYNC_REFRESH_TOKEN",
    ]


@pytest.mark.parametrize("text", ["", "[", 'dc = "eu"\ndc = "com"'])
def test_a_broken_toml_is_a_message_not_a_traceback(tmp_path: Path, text: str) -> None:
    (tmp_path / "zdsync.toml").write_text(text)
    if text:
        assert "zdsync.toml" in render(_refused())
    else:
        load_settings()


def test_auth_tells_a_line_for_dotenv_and_dotenv_understands_it(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("1000.kept\n")
    (tmp_path / ".env").write_text(f"ZDSYNC_REFRESH_TOKEN_FILE={tmp_path / 'kept'}\n")
    assert load_settings().secret("refresh_token") == "1000.kept"
