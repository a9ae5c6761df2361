"""Where notices arrive: a mail server and a chat on loopback, with what they were told."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Inbox:
    """What arrived. `status` answers a chat's POST; `refuse` names receivers that are refused.

    `hang_up`: the mail server takes a mail and says nothing more.
    """

    url: str = ""
    mails: list[Message] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)
    status: int = 200
    refuse: frozenset[str] = frozenset()
    hang_up: bool = False
    logins: list[str] = field(default_factory=list)

    def text(self, place: int = -1) -> str:
        return str(self.mails[place].get_payload(decode=True), "utf-8")


@contextmanager
def mail_server() -> Iterator[Inbox]:
    """Serve SMTP on loopback."""
    inbox = Inbox()

    class Door(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 here")
            while line := self.rfile.readline().decode().strip():
                word = line.upper()
                if word.startswith("EHLO"):
                    self._say("250-here\r\n250 AUTH PLAIN")
                elif word.startswith("AUTH"):
                    inbox.logins.append(line)
                    self._say("235 in")
                elif word.startswith("RCPT") and any(one in line for one in inbox.refuse):
                    self._say("550 nobody of that name here")
                elif word.startswith("DATA"):
                    self._say("354 go on")
                    self._take()
                    if inbox.hang_up:
                        return
                    self._say("250 taken")
                else:
                    self._say("250 well")

        def _say(self, text: str) -> None:
            self.wfile.write((text + "\r\n").encode())

        def _take(self) -> None:
            lines: list[bytes] = []
            while (line := self.rfile.readline().rstrip(b"\r\n")) != b".":
                lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
            inbox.mails.append(message_from_bytes(b"\n".join(lines)))

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    with Server(("127.0.0.1", 0), Door) as server, _serving(server):
        inbox.url = f"smtp://someone:pass%40word@127.0.0.1:{server.server_address[1]}"
        yield inbox


@contextmanager
def chat() -> Iterator[Inbox]:
    """Serve a chat's webhook on loopback."""
    inbox = Inbox()

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if inbox.status < 400:
                inbox.posts.append(json.loads(body))
            self.send_response(inbox.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Door) as server, _serving(server):
        inbox.url = f"http://127.0.0.1:{server.server_address[1]}/hook/secret-of-the-hook"
        yield inbox


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
