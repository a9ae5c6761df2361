"""The HTTP door: a threading server on loopback, keep-alive, no Nagle delay.

Owns sockets. Promises to bind 127.0.0.1 only. Must not decide any answer: api.py does.
"""

from __future__ import annotations

import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .api import Api
from .wire import JSON_TYPE, Request, Response

_HOST = "127.0.0.1"
_NO_BODY = (204, 304)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, api: Api) -> None:
        super().__init__((_HOST, port), _Door)
        self.api = api
        self.base = f"http://{_HOST}:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Stay silent when a client hangs up; show real bugs."""
        if not isinstance(
            sys.exception() if hasattr(sys, "exception") else sys.exc_info()[1], ConnectionError
        ):
            super().handle_error(request, client_address)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # headers and body leave in one piece
    server: _Server

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:  # its sender died: half a request asks for nothing
            self.close_connection = True
            return
        request = Request.of(self.command, self.path, self.headers.items(), body)
        response = self.server.api.handle(request, self.server.base)
        if response.drop:
            self._reset()
        else:
            self._send(response)

    def _send(self, response: Response) -> None:
        self.send_response(response.status)
        headers = JSON_TYPE | response.headers
        for name, value in headers.items():
            self.send_header(name, value)
        if response.status not in _NO_BODY:
            self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if response.status not in _NO_BODY:
            self.wfile.write(response.body)
        self.wfile.flush()

    def _reset(self) -> None:
        """Close with RST, as a broken network does."""
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.close_connection = True
        self.connection.close()

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent: stdout and stderr belong to the program."""


@contextmanager
def serving(api: Api, port: int) -> Iterator[str]:
    """Serve from a daemon thread; yield the base address."""
    server = _Server(port, api)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.base
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
