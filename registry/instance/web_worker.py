"""gunicorn's worker with threads, in which a thread stays with a connection that goes on asking.

gunicorn has its main thread watch a connection between two of its requests. For a client that asks
again at once, as those do that read a file range by range, handing it there and back costs as much
processor time as a third of the answer.
"""

import select
import threading
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

STAY_MS = 20


class PatientWorker(ThreadWorker):
    """A thread waits a moment for the next request, unless somebody else waits for a thread."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._count = threading.Lock()
        self._busy = 0

    def handle(self, conn: TConn) -> Any:
        with self._count:
            self._busy += 1
        try:
            kept = super().handle(conn)
            while kept is True and self.alive and self._asks_again(conn):
                kept = super().handle(conn)
            return kept
        finally:
            with self._count:
                self._busy -= 1

    def _asks_again(self, conn: TConn) -> bool:
        if conn.is_http2 or self.tpool._work_queue.qsize():  # noqa: SLF001 - nothing else says it
            return False
        if conn.parser.unreader.buf.getbuffer().nbytes:
            return True
        coming = select.poll()
        coming.register(conn.sock, select.POLLIN)
        return bool(coming.poll(STAY_MS if self._busy < self.cfg.threads else 0))
