"""Threads of the web server that stay with a connection keep nobody else waiting."""

import http.client
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from registry.instance.processes import free_port, spawn, stop
from registry.instance.web_worker import STAY_MS

THREADS = 4


def application(environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
    """Says which thread answers; sleeps where it is asked to, and reads no body."""
    time.sleep(float(environ["QUERY_STRING"] or 0))
    body = str(threading.get_ident()).encode()
    start("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with _serving(tmp_path_factory.mktemp("web") / "log") as (number, _):
        yield number


@contextmanager
def _serving(log: Path) -> Iterator[tuple[int, Any]]:
    port = free_port()
    command = [
        sys.executable, "-m", "gunicorn", "tests.instance.test_web_worker:application",
        "--bind", f"127.0.0.1:{port}", "--workers", "1", "--threads", str(THREADS),
        "--worker-class", "registry.instance.web_worker.PatientWorker", "--keep-alive", "30",
        "--graceful-timeout", "10",
    ]  # fmt: skip
    with log.open("wb") as output:
        process = spawn(command, on_orphaned=signal.SIGKILL, output=output)
    try:
        _wait(port)
        yield port, process
    finally:
        stop(process, signal.SIGKILL, seconds=5)


def _wait(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            with closing(_connected(port)) as connection:
                _ask(connection)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _connected(port: int) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", port, timeout=30)


def _ask(connection: http.client.HTTPConnection, query: str = "", body: bytes = b"") -> str:
    connection.request("POST" if body else "GET", f"/?{query}", body=body or None)
    answer = connection.getresponse()
    assert answer.status == 200
    return answer.read().decode()


def _all_threads_know_work(port: int) -> None:
    with ThreadPoolExecutor(THREADS) as threads:

        def once(_: int) -> str:
            with closing(_connected(port)) as connection:
                return _ask(connection, "0.3")

        assert len(set(threads.map(once, range(THREADS)))) == THREADS


def test_one_thread_answers_who_asks_again_at_once(port: int) -> None:
    _all_threads_know_work(port)

    with closing(_connected(port)) as connection:
        found = [_ask(connection) for _ in range(50)]

    # A machine under load may miss the moment now and then
    assert sum(one != two for one, two in zip(found, found[1:], strict=False)) < 10


def test_a_connection_lasts_between_requests_that_are_far_apart(port: int) -> None:
    with closing(_connected(port)) as connection:
        _ask(connection)
        socket = connection.sock
        time.sleep(5 * STAY_MS / 1000)
        _ask(connection)

        assert connection.sock is socket


def test_bodies_that_nobody_read_do_not_come_before_the_next_request(port: int) -> None:
    with closing(_connected(port)) as connection:
        for size in (1, 10_000, 300_000):
            assert _ask(connection, body=b"x" * size)


def test_more_connections_than_threads_are_all_answered(port: int) -> None:
    """None of those that ask without a pause has a thread to itself."""
    until = time.monotonic() + 2
    answered = [0] * (5 * THREADS)

    def go_on(number: int) -> None:
        with closing(_connected(port)) as connection:
            while time.monotonic() < until:
                _ask(connection)
                answered[number] += 1

    with ThreadPoolExecutor(len(answered)) as threads:
        list(threads.map(go_on, range(len(answered))))

    assert min(answered) > max(answered) / 20


def test_a_stop_waits_for_answers_and_for_nothing_else(tmp_path: Path) -> None:
    with _serving(tmp_path / "log") as (port, process), closing(_connected(port)) as quiet:
        _ask(quiet)
        with closing(_connected(port)) as connection, ThreadPoolExecutor(1) as thread:
            answer = thread.submit(_ask, connection, "1")
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)

            assert answer.result()
        assert process.wait(9) == 0
