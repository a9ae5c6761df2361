"""Settings: every problem at once, near names, no secret in sight."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from zdsync.diagnostics import render
from zdsync.errors import Misconfigured
from zdsync.personal import Retention
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


def test_excluded_columns_must_exist_and_may_not_be_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "ZDSYNC_EXCLUDE",
        "desk.tickets.descripton, desk.tickets.contact_id, desk.tickets.cf.cf_diagnosis, "
        "desk.tickets.subject.x, description",
    )
    monkeypatch.setenv("ZDSYNC_PUBLISH_EXCLUDE", "desk.contacts.emial, zdsync.journal.before")
    error = _refused()
    assert error.exit_code == 2
    found = {problem.text: problem for problem in error.problems}
    assert set(found) == {
        *("desk.tickets.descripton", "desk.tickets.contact_id", "desk.tickets.subject.x"),
        *("description", "desk.contacts.emial"),
    }
    assert "desk.tickets.description" in found["desk.tickets.descripton"].hint
    assert "desk.contacts.email" in found["desk.contacts.emial"].hint
    assert "needs it" in found["desk.tickets.contact_id"].what


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("24 months", Retention(months=24)),
        ("2 Years", Retention(months=24)),
        ("730d", Retention(days=730)),
        ("6 weeks", Retention(days=42)),
        ("off", None),
    ],
)
def test_retention_reads_months_and_days(
    monkeypatch: pytest.MonkeyPatch, text: str, kept: Retention | None
) -> None:
    monkeypatch.setenv("ZDSYNC_RETENTION", text)
    assert load_settings().retention == kept


@pytest.mark.parametrize("text", ["24", "5m 3d", "0 months", "-1d", "24 month ago", "9999 years"])
def test_a_retention_that_cannot_be_meant_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("ZDSYNC_RETENTION", text)
    assert "24 months" in render(_refused())


def test_retention_counts_calendar_months() -> None:
    noon = datetime(2026, 3, 31, 12, tzinfo=UTC)
    assert Retention(months=1).cutoff(noon) == datetime(2026, 2, 28, 12, tzinfo=UTC)
    assert Retention(months=3).cutoff(noon) == datetime(2025, 12, 31, 12, tzinfo=UTC)
    assert Retention(months=25).cutoff(noon) == datetime(2024, 2, 29, 12, tzinfo=UTC)
    assert Retention(days=31).cutoff(noon) == datetime(2026, 2, 28, 12, tzinfo=UTC)


HOOK = "https://hooks.chat.example/services/secret-part?key=secret-key"


def test_targets_come_from_json_or_a_table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "zdsync.toml").write_text('[notify]\nops = "mailto:ops@clinic.example"\n')
    settings = load_settings()
    assert settings.voice.targets == {"ops"}
    assert not (settings.voice.replies or settings.voice.texts)
    monkeypatch.setenv("ZDSYNC_NOTIFY", '{"chat": "' + HOOK + '"}')
    monkeypatch.setenv("ZDSYNC_REPLIES", "on")
    settings = load_settings()
    assert settings.notify["chat"].get_secret_value() == HOOK
    assert settings.voice.replies
    assert "secret-part" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("NOTIFY", "https://hooks.example/secret-part"),
        ("NOTIFY", '{"ops": "http://hooks.example/secret-part"}'),
        ("NOTIFY", '{"ops": "https://user:secret-part@hooks.example/x"}'),
        ("NOTIFY", '{"ops": "mailto:a@b.example,secret-part@d.example"}'),
        ("NOTIFY", '{"ops": "ftp://hooks.example/secret-part"}'),
        ("NOTIFY", '{"o ps": "mailto:secret-part@b.example"}'),
        ("NOTIFY", '["secret-part"]'),
        ("SMTP_URL", "https://secret-part@mail.example"),
        ("SMTP_URL", "secret-part"),
        ("SMTP_FROM", "not an address"),
        ("REPLIES", "perhaps"),
    ],
)
def test_outlets_are_checked_and_never_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("ZDSYNC_" + name, value)
    text = render(_refused())
    assert "ZDSYNC_" + name in text
    assert "secret-part" not in text


def test_the_mail_server_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "smtp"
    monkeypatch.setenv("ZDSYNC_SMTP_URL_FILE", str(file))
    file.write_text("smtps://me:secret-part@mail.example:465\n")
    assert load_settings().secret("smtp_url").startswith("smtps://me:")
    file.write_text("secret-part")
    assert "secret-part" not in render(_refused())
