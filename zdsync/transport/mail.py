"""One e-mail over the SMTP server that the settings name. Only importer of smtplib.

Promises TLS to every host but this machine, a header that no text can break out of, and that no
message or log line holds the password. Must not know what a notice says.
"""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import unquote, urlsplit

from zdsync.errors import OutcomeUnknown, Refused
from zdsync.text import printable
from zdsync.transport.hosts import is_loopback

_TIMEOUT = 30.0
_WIDEST = 150  # of a subject


@dataclass(frozen=True, slots=True)
class MailServer:
    """An SMTP server: `url` is smtp(s)://user:password@host:port, `sender` the From address."""

    url: str
    sender: str

    def __repr__(self) -> str:
        return f"MailServer({self.host})"

    @property
    def host(self) -> str:
        """The server's name, for messages."""
        return urlsplit(self.url).hostname or ""

    def send(self, to: str, subject: str, text: str, at: datetime) -> None:
        """Send one mail. Refused where nothing was sent, OutcomeUnknown where it may have been."""
        message = _message(self.sender, to, subject, text, at)
        try:
            server = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise Refused(f"{self.host}: {_said(error)}", 0) from None
        try:
            self._deliver(server, message, to)
        finally:
            server.close()  # not quit(): the mail is sent, what the server says now is nothing

    def _connected(self) -> smtplib.SMTP:
        parts = urlsplit(self.url)
        context = ssl.create_default_context()
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, parts.port or 465, timeout=_TIMEOUT, context=context
            )
        else:
            server = smtplib.SMTP(self.host, parts.port or 587, timeout=_TIMEOUT)
        try:
            if parts.scheme != "smtps" and not is_loopback(self.url):
                server.starttls(context=context)
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
        return server

    def _deliver(self, server: smtplib.SMTP, message: EmailMessage, to: str) -> None:
        sure = (
            *(smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused, smtplib.SMTPDataError),
            *(smtplib.SMTPHeloError, smtplib.SMTPNotSupportedError),
        )
        try:
            server.send_message(message, self.sender, [to])
        except sure as error:
            raise Refused(f"{self.host}: {_said(error)}", 0) from None
        except (OSError, smtplib.SMTPException):
            what = f"{self.host} gave no answer; the mail may have been sent"
            raise OutcomeUnknown(what, "It is not sent again.") from None


def _message(sender: str, to: str, subject: str, text: str, at: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = sender, to
    # One line without control characters: nothing in it can begin another header.
    message["Subject"] = printable(subject, _WIDEST)
    message["Date"] = format_datetime(at)
    message["Message-ID"] = make_msgid("zdsync", sender.rpartition("@")[2] or "localhost")
    message["Auto-Submitted"] = "auto-generated"  # keeps other machines from answering
    message.set_content(text)
    return message


def _said(error: Exception) -> str:
    """What a server said, in a code and our words: its own may quote an address or a login."""
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"the login was refused ({error.smtp_code})"
        case smtplib.SMTPRecipientsRefused():
            codes = {str(code) for code, _ in error.recipients.values()}
            return f"the receiver was refused ({', '.join(sorted(codes))})"
        case smtplib.SMTPResponseException():
            return f"refused ({error.smtp_code})"
        case smtplib.SMTPNotSupportedError():
            return "it offers no TLS or no login"
        case ssl.SSLError():
            return "no trusted TLS connection"
    return "cannot be reached"
