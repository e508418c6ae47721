"""The outside world that webhooks post to: a small server of the test's own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from registry.outbox import tasks


@dataclass
class Received:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Answers every post with `status`, and keeps what came."""

    url: str = ""
    status: int = 200
    location: str = ""
    got: list[Received] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@contextmanager
def receiver(**settings: Any) -> Iterator[Receiver]:
    kept = Receiver(**settings)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # noqa: N802 - the name that the server calls
            length = int(self.headers["Content-Length"])
            kept.got.append(
                Received(self.path, dict(self.headers.items()), self.rfile.read(length))
            )
            self.send_response(kept.status)
            if kept.location:
                self.send_header("Location", kept.location)
            self.send_header("Content-Length", "0")
            self.end_headers()
            kept.arrived.set()

        def log_message(self, *args: Any) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    kept.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(there: Receiver) -> list[dict[str, Any]]:
    """What was sent to it now."""
    there.got.clear()
    tasks.send_due()
    return [json.loads(one.body) for one in there.got]
