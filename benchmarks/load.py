"""A load generator that costs next to nothing: sockets whose bytes the kernel throws away.

Bodies are discarded with MSG_TRUNC, so that nothing is copied into this program; connections are
threads of a few processes, which all begin at the same moment.
"""

import multiprocessing
import random
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

PIECE = 8 * 1024**2
PROCESSES = 2
REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True)
class Request:
    """One request as it goes over the wire, but for the host."""

    url: str
    method: str = "GET"
    token: str = ""
    range: tuple[int, int] | None = None

    def encoded(self, host: str, *, with_token: bool = True) -> bytes:
        path = urlsplit(self.url)
        lines = [
            f"{self.method} {path.path}{'?' if path.query else ''}{path.query} HTTP/1.1",
            f"Host: {host}",
            "Accept-Encoding: identity",
        ]
        if self.token and with_token:
            lines.append(f"Authorization: Bearer {self.token}")
        if self.range is not None:
            lines.append(f"Range: bytes={self.range[0]}-{self.range[1]}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


@dataclass
class Measured:
    """What all connections together did."""

    requests: int = 0
    bytes: int = 0
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list, repr=False)

    @property
    def mib_a_second(self) -> float:
        return self.bytes / self.seconds / 1024**2 if self.seconds else 0.0

    @property
    def requests_a_second(self) -> float:
        return self.requests / self.seconds if self.seconds else 0.0

    def percentile(self, share: float) -> float:
        """Milliseconds that this share of the requests took at most."""
        if not self.latencies:
            return 0.0
        found = sorted(self.latencies)
        return found[min(int(len(found) * share), len(found) - 1)] * 1000

    def as_json(self) -> dict[str, float]:
        return {
            "requests": self.requests,
            "seconds": round(self.seconds, 3),
            "mib_a_second": round(self.mib_a_second, 1),
            "requests_a_second": round(self.requests_a_second, 1),
            **{f"p{n}_ms": round(self.percentile(n / 100), 3) for n in (50, 95, 99)},
        }


class Connection:
    """Keep-alive connections to whatever hosts the answers lead to."""

    def __init__(self) -> None:
        self._open: dict[str, socket.socket] = {}
        self._buffer = bytearray(PIECE)

    def ask(self, request: Request) -> int:
        """Send it, follow redirects, discard the body. The number of bytes that the body had."""
        with_token = True
        first = urlsplit(request.url).netloc
        for _ in range(3):
            host = urlsplit(request.url).netloc
            status, headers, length = self._one(request, host, with_token=with_token)
            if status in REDIRECTS and "location" in headers:
                request = Request(headers["location"], request.method, request.token, request.range)
                with_token = urlsplit(request.url).netloc == first
                continue
            if status not in (200, 206):
                raise RuntimeError(f"{request.method} {request.url}: {status} {headers}")
            return length
        raise RuntimeError(f"{request.url}: too many redirects")

    def close(self) -> None:
        for one in self._open.values():
            one.close()

    def _one(
        self, request: Request, host: str, *, with_token: bool
    ) -> tuple[int, dict[str, str], int]:
        line = self._line(host)
        line.sendall(request.encoded(host, with_token=with_token))
        head = bytearray()
        while (end := head.find(b"\r\n\r\n")) < 0:
            piece = line.recv(16 * 1024)
            if not piece:
                raise RuntimeError(f"{host} closed the connection")
            head += piece
        first, *lines = head[:end].decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (one.partition(":") for one in lines)
        }
        status = int(first.split()[1])
        length = 0
        if request.method != "HEAD" and status not in (204, 304):
            length = int(headers["content-length"])
            self._discard(line, length - (len(head) - end - 4))
        if headers.get("connection", "").lower() == "close":
            self._open.pop(host).close()
        return status, headers, length

    def _discard(self, line: socket.socket, left: int) -> None:
        while left > 0:
            got = line.recv_into(self._buffer, min(left, PIECE), socket.MSG_TRUNC)
            if not got:
                raise RuntimeError("the connection broke off")
            left -= got

    def _line(self, host: str) -> socket.socket:
        if host not in self._open:
            name, _, port = host.partition(":")
            line = socket.create_connection((name, int(port or 80)), timeout=120)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._open[host] = line
        return self._open[host]


def once(requests: Iterable[Request]) -> Measured:
    """Each request on a connection of its own, all at once."""
    return _run([_Once(request) for request in requests])


def repeated(
    make: Callable[[random.Random], Request], *, connections: int, seconds: float
) -> Measured:
    """Requests one after another on each connection, for a while."""
    return _run([_Repeated(make, seed, seconds) for seed in range(connections)])


def ranges(request: Request, *, size: int, length: int) -> Callable[[random.Random], Request]:
    """The same request for parts of this length, anywhere in a file."""

    def make(chance: random.Random) -> Request:
        first = chance.randrange(0, max(size - length, 1))
        last = min(first + length, size) - 1
        return Request(request.url, request.method, request.token, (first, last))

    return make


def same(request: Request) -> Callable[[random.Random], Request]:
    return lambda _chance: request


@dataclass
class _Once:
    request: Request

    def warm(self, connection: Connection) -> None:
        pass

    def work(self, connection: Connection) -> Iterator[int]:
        yield connection.ask(self.request)


@dataclass
class _Repeated:
    make: Callable[[random.Random], Request]
    seed: int
    seconds: float

    def warm(self, connection: Connection) -> None:
        connection.ask(self.make(random.Random(self.seed)))  # noqa: S311 - no secret

    def work(self, connection: Connection) -> Iterator[int]:
        chance = random.Random(self.seed)  # noqa: S311 - no secret
        until = time.monotonic() + self.seconds
        while time.monotonic() < until:
            yield connection.ask(self.make(chance))


def _run(jobs: "list[_Once] | list[_Repeated]") -> Measured:
    context = multiprocessing.get_context("fork")
    shares = [jobs[number::PROCESSES] for number in range(min(PROCESSES, len(jobs)))]
    start, results = context.Barrier(len(jobs)), context.SimpleQueue()
    processes = [context.Process(target=_child, args=(share, start, results)) for share in shares]
    for process in processes:
        process.start()
    found = [results.get() for _ in processes]
    for process in processes:
        process.join()
    if problems := [one for one in found if isinstance(one, str)]:
        raise RuntimeError("; ".join(problems))
    measured = Measured()
    for _first, _last, size, latencies in found:
        measured.requests += len(latencies)
        measured.bytes += size
        measured.latencies += latencies
    measured.seconds = max(one[1] for one in found) - min(one[0] for one in found)
    return measured


def _child(jobs, start, results) -> None:  # type: ignore[no-untyped-def]
    firsts: list[float] = []
    lasts: list[float] = []
    sizes: list[int] = []
    latencies: list[float] = []
    problems: list[str] = []

    def run(job: "_Once | _Repeated") -> None:
        connection = Connection()
        try:
            job.warm(connection)
            start.wait(timeout=60)
            before = time.monotonic()
            firsts.append(before)
            for size in job.work(connection):
                now = time.monotonic()
                latencies.append(now - before)
                sizes.append(size)
                before = time.monotonic()
            lasts.append(before)
        except (OSError, RuntimeError, KeyError, threading.BrokenBarrierError) as error:
            problems.append(repr(error))
            start.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer = "; ".join(problems) or (min(firsts), max(lasts), sum(sizes), latencies)
    results.put(answer)
