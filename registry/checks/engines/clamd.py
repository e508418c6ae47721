"""ClamAV by its daemon: bytes are streamed to it (INSTREAM), and no path of ours is told.

Weights longer than it takes are accounted for to the last byte by parsers of ours; of them it sees
both ends. Whatever else is too long for it has not passed.
"""

import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from time import monotonic

from registry.checks.engines.vote import Ballot, Vote
from registry.checks.findings import ModelFile
from registry.checks.scanners.types import Kind, kind_of

NAME = "clamav"
MIB = 1024 * 1024
CHUNK = 256 * 1024
MOST_ANSWER = 4096
_WEIGHTS = (Kind.SAFETENSORS, Kind.GGUF, Kind.CHECKPOINT)


class _NoAnswer(Exception):
    """The daemon is not there, went away, or said what it never says."""


def votes_on(files: Sequence[ModelFile], ballot: Ballot) -> list[Vote]:
    try:
        version = _command(b"zVERSION\0", ballot)
    except (OSError, _NoAnswer) as error:
        return [Vote(NAME, "", "", "failed", f"It cannot be reached: {error}")]
    return [_vote(file, version, ballot) for file in files]


def _vote(file: ModelFile, version: str, ballot: Ballot) -> Vote:
    limit = ballot.clamd_mib * MIB
    size = file.local.stat().st_size
    spans, detail = [(0, size)], ""
    if size > limit:
        if kind_of(file.path) not in _WEIGHTS:
            why = f"It is longer than the {ballot.clamd_mib} MiB that the scanner takes"
            return Vote(NAME, version, file.path, "failed", why)
        spans = [(0, limit), (size - limit, limit)]
        detail = f"the first and the last {ballot.clamd_mib} MiB"
    for start, length in spans:
        try:
            answer = _command(b"zINSTREAM\0", ballot, _framed(file, start, length))
        except (OSError, _NoAnswer) as error:
            return Vote(NAME, version, file.path, "failed", str(error))
        if answer.endswith(" FOUND"):
            signature = answer.removeprefix("stream: ").removesuffix(" FOUND")
            return Vote(NAME, version, file.path, "hit", signature)
        if answer != "stream: OK":
            return Vote(NAME, version, file.path, "failed", answer)
    return Vote(NAME, version, file.path, "clean", detail)


def _framed(file: ModelFile, start: int, length: int) -> Iterator[bytes]:
    """Each piece after its length, and a length of zero at the end."""
    with file.local.open("rb") as stream:
        stream.seek(start)
        while length and (data := stream.read(min(CHUNK, length))):
            length -= len(data)
            yield struct.pack(">I", len(data)) + data
    yield struct.pack(">I", 0)


def _command(command: bytes, ballot: Ballot, pieces: Iterable[bytes] = ()) -> str:
    until = monotonic() + ballot.seconds
    with _connected(ballot) as connection:
        connection.sendall(command)
        # It may have heard enough before the end, and then has said why
        with suppress(BrokenPipeError, ConnectionResetError):
            for piece in pieces:
                connection.settimeout(_left(until))
                connection.sendall(piece)
        answer = b""
        while b"\0" not in answer:
            connection.settimeout(_left(until))
            data = connection.recv(MOST_ANSWER)
            if not data or len(answer) > MOST_ANSWER:
                raise _NoAnswer("It ended without an answer")
            answer += data
    return answer.partition(b"\0")[0].decode("utf-8", "replace").strip()


def _connected(ballot: Ballot) -> socket.socket:
    if ballot.clamd.startswith("unix:"):
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(ballot.seconds)
        try:
            connection.connect(ballot.clamd.removeprefix("unix:"))
        except OSError:
            connection.close()
            raise
        return connection
    host, _, port = ballot.clamd.rpartition(":")
    if not host or not port.isdigit():
        raise _NoAnswer("its address is neither unix:PATH nor HOST:PORT")
    return socket.create_connection((host, int(port)), timeout=ballot.seconds)


def _left(until: float) -> float:
    left = until - monotonic()
    if left <= 0:
        raise _NoAnswer("It took too long")
    return left
