"""Somebody else's system on this machine that is told of things over HTTP."""

import json
from queue import Queue
from typing import Any

from tests.support.http_server import HttpServer, Silent

HANGS_UP = 0
"""In the place of an answer: the connection is closed once everything was read, as when the process
is killed."""

Heard = tuple[dict[str, str], bytes]
"""The headers and the body of a request."""


class Listener(HttpServer):
    def __init__(self) -> None:
        self.heard: Queue[Heard] = Queue()
        self.answers: list[int] = []
        """What it answers next; 204 when nothing is said."""
        listener = self

        class Handler(Silent):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                answer = listener.answers.pop(0) if listener.answers else 204
                if answer != HANGS_UP:
                    self.send_response(answer)
                    if 300 <= answer < 400:
                        self.send_header("location", listener.url)
                    self.end_headers()
                headers = {name.lower(): value for name, value in self.headers.items()}
                listener.heard.put((headers, body))

        super().__init__(Handler)
        self.url += "/arrivals"

    def hears(self, patience_s: float) -> tuple[dict[str, str], dict[str, Any]]:
        """Returns the headers and the body of the next request."""
        headers, body = self.heard.get(timeout=patience_s)
        return headers, json.loads(body)
