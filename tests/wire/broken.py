"""A connection that breaks: bytes pass in both directions until one answer grows too long."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit


class Line:
    """Listens beside a server and hands everything on. The first connection that brings more than
    `cut_after` bytes from the server is cut there; later ones are left alone, and all are until
    that is said."""

    def __init__(self, url: str, *, cut_after: int | None = None) -> None:
        parts = urlsplit(url)
        self._target = (parts.hostname or "", parts.port or 80)
        self._cut_after = cut_after
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, after: int) -> None:
        with self._lock:
            self._cut_after = after

    @property
    def is_whole(self) -> bool:
        """Whether nothing is going to be cut, or nothing is any more."""
        return self._cut_after is None

    def close(self) -> None:
        self._end(self._listener)
        for one in self._open:
            self._end(one)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                inner, _ = self._listener.accept()
                outer = socket.create_connection(self._target)
                self._open += [inner, outer]
                threading.Thread(target=self._up, args=(inner, outer), daemon=True).start()
                threading.Thread(target=self._down, args=(outer, inner), daemon=True).start()

    def _up(self, inner: socket.socket, outer: socket.socket) -> None:
        with suppress(OSError):
            while piece := inner.recv(65536):
                outer.sendall(piece)
        self._end(outer)

    def _down(self, outer: socket.socket, inner: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while piece := outer.recv(65536):
                passed += len(piece)
                with self._lock:
                    cut = self._cut_after is not None and passed > self._cut_after
                    if cut:
                        self._cut_after = None
                if cut:
                    break
                inner.sendall(piece)
        self._end(inner)
        self._end(outer)

    @staticmethod
    def _end(one: socket.socket) -> None:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()
