"""What passes between clients and the registry, kept, and the secrets that are in it."""

import re
import socket
from collections import defaultdict
from contextlib import suppress
from urllib.parse import unquote

from tests.wire import broken

_JSON = rb'"%s": ?"([^"]{6,})"'
# In what a client sends or is sent; all of them let somebody in
KINDS = {
    "token": rb"(?i)\r\nauthorization: \w+ (\S+)",
    "signed address": rb"[?&]right=([^&\"\s]+)",
    "upload token": _JSON % b"accessToken",
    "session": rb"sessionid=([^;\s]+)",
    "csrf": rb"csrftoken=([^;\s]+)",
    "device code": _JSON % b"device_code",
    "user code": _JSON % b"user_code",
    "login": _JSON % b"access_token",
    "renewal": _JSON % b"refresh_token",
    "webhook secret": _JSON % b"secret",
}


class Recorder(broken.Line):
    """A way to the registry that keeps what was said in both directions."""

    def __init__(self, url: str) -> None:
        self._said: list[bytearray] = []
        super().__init__(url)

    def secrets(self) -> dict[str, set[str]]:
        """Every secret that passed, by its kind, as it was written and as it was meant."""
        found: dict[str, set[str]] = defaultdict(set)
        for said in self._said:
            for kind, pattern in KINDS.items():
                for one in re.findall(pattern, bytes(said)):
                    found[kind] |= {one.decode("latin-1"), unquote(one.decode("latin-1"))}
        return found

    def _up(self, inner: socket.socket, outer: socket.socket) -> None:
        # Compressed answers could not be searched; another header of the same length is ignored
        self._pass(inner, outer, (b"accept-encoding:", b"ignored-headers:"))

    def _down(self, outer: socket.socket, inner: socket.socket) -> None:
        self._pass(outer, inner, (b"", b""))
        self._end(inner)

    def _pass(self, here: socket.socket, there: socket.socket, change: tuple[bytes, bytes]) -> None:
        said = bytearray()
        self._said.append(said)
        with suppress(OSError):
            while piece := here.recv(65536):
                if change[0]:
                    piece = re.sub(re.escape(change[0]), change[1], piece, flags=re.IGNORECASE)
                said += piece
                there.sendall(piece)
        self._end(there)
