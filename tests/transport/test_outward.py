"""Mails and webhooks: nothing breaks out of a header, nothing leaves in the clear."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes

import pytest
import requests
import responses
from hypothesis import given
from hypothesis import strategies as st

from tests.loop.outlets import mail_server
from zdsync.errors import OutcomeUnknown, Refused
from zdsync.transport import MailServer, post_text
from zdsync.transport.mail import _message

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
HOOK = "https://hooks.chat.example/services/secret-part?key=secret-key"


def test_a_chat_gets_json_with_a_text() -> None:
    with responses.RequestsMock() as mock:
        mock.post(HOOK, body="ok")
        post_text(HOOK, "Ticket 7\nlook")
        assert mock.calls[0].request.body == b'{"text":"Ticket 7\\nlook"}'
        assert "Authorization" not in mock.calls[0].request.headers


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 302, "headers": {"Location": "https://other.example"}}, Refused),
        ({"status": 404}, Refused),
        ({"status": 429}, Refused),
        ({"status": 500}, OutcomeUnknown),
        ({"status": 504}, OutcomeUnknown),
        ({"body": requests.ConnectTimeout()}, Refused),
        ({"body": requests.exceptions.SSLError()}, Refused),
        ({"body": requests.ReadTimeout("https://hooks secret-part")}, OutcomeUnknown),
        ({"body": requests.ConnectionError("reset secret-part")}, OutcomeUnknown),
    ],
)
def test_what_became_of_a_post_is_told_without_its_address(
    answer: dict[str, object], error: type[Exception]
) -> None:
    with responses.RequestsMock() as mock:
        mock.post(HOOK, **answer)  # type: ignore[arg-type]  # any of its options
        with pytest.raises(error) as raised:
            post_text(HOOK, "text")
        assert len(mock.calls) == 1  # a redirect is not followed, nothing is repeated
    assert "secret" not in str(raised.value)


def test_a_hook_is_not_posted_in_the_clear() -> None:
    with pytest.raises(Refused):
        post_text("http://hooks.chat.example/x", "text")


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_breaks_out_of_a_mail(subject: str, text: str) -> None:
    made = _message("zdsync@clinic.example", "ops@clinic.example", subject, text, NOW)
    read = message_from_bytes(made.as_bytes())
    assert set(read.keys()) == {
        *("From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version"),
        *("Content-Type", "Content-Transfer-Encoding"),
    }
    assert (read["From"], read["To"]) == ("zdsync@clinic.example", "ops@clinic.example")


@pytest.mark.parametrize("to", ["ops@clinic.example\r\nBcc: x@y.example", "a@b.example\nX: y"])
def test_an_address_cannot_begin_another_header(to: str) -> None:
    with pytest.raises(ValueError, match=r"newline|linefeed"):
        _message("zdsync@clinic.example", to, "s", "t", NOW)


def test_a_mail_of_any_script_arrives() -> None:
    with mail_server() as inbox:
        server = MailServer(inbox.url, "zdsync@clinic.example")
        server.send("ops@clinic.example", "Ticket 7: prüfen", "Zeile\n.\nпривет 日本", NOW)
        assert inbox.text().strip().splitlines() == ["Zeile", ".", "привет 日本"]
        assert "pass" not in repr(server)


def test_a_server_that_is_not_there_refuses_without_the_password() -> None:
    server = MailServer("smtp://someone:secret@127.0.0.1:1", "zdsync@clinic.example")
    with pytest.raises(Refused) as raised:
        server.send("ops@clinic.example", "s", "t", NOW)
    assert raised.value.what == "127.0.0.1: cannot be reached"
