"""Where webhooks may post to: outward, or where the operator says; and nowhere else by any trick."""

import ipaddress
import socket
import threading
from ipaddress import ip_network
from typing import Any

import pytest

from registry.errors import Invalid
from registry.outbox import targets
from registry.outbox.targets import Unreachable
from tests.outbox.receivers import receiver

INWARD = [
    "127.0.0.1",
    "127.255.0.3",
    "0.0.0.0",  # noqa: S104 - a case
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "168.63.129.16",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::",
]


@pytest.mark.parametrize("address", INWARD)
def test_inward_addresses_are_refused_however_they_are_written(address: str) -> None:
    assert not targets.is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822"])
def test_outward_addresses_are_allowed(address: str) -> None:
    assert targets.is_allowed(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://localhost:9/x",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]:80/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
    ],
)
def test_no_spelling_of_this_machine_is_posted_to(url: str) -> None:
    with pytest.raises(Invalid):
        targets.resolve(url)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "https://",
        "//example.org",
        "https://user:pass@example.org/",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org:99999/",
        "https://exa\u200bmple.org/",
        "https://example.org/" + "a" * 500,
        "file:///etc/passwd",
        "https://[::1/",
    ],
)
def test_what_is_no_plain_address_is_refused(url: str) -> None:
    with pytest.raises(Invalid, match="url:"):
        targets.parse(url)


def test_a_name_with_one_inward_address_among_others_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", _leads_to("93.184.216.34", "10.0.0.1"))

    with pytest.raises(Invalid, match="inward"):
        targets.resolve("https://mixed.example/")


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_looked_at(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look says the allowed address. Were the name resolved again, it would say another,
    where nobody listens."""
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    with receiver() as there:
        port = there.url.rsplit(":", 1)[1].split("/")[0]
        asked: list[str] = []

        def rebinding(host: str, *rest: Any, **more: Any) -> Any:
            if host != "rebinding.example":
                return real(host, *rest, **more)
            asked.append(host)
            return _leads_to("127.0.0.1" if len(asked) == 1 else "127.0.0.2")(host, *rest, **more)

        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        status = targets.post(f"http://rebinding.example:{port}/x", b"{}", {})

    assert status == 200
    assert asked == ["rebinding.example"]
    assert there.got[0].headers["Host"] == f"rebinding.example:{port}"


def test_redirects_are_not_followed(settings: Any) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    with receiver() as second, receiver(status=307, location=second.url) as first:
        assert targets.post(first.url, b"{}", {}) == 307

    assert second.got == []


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: "])
def test_a_receiver_that_never_finishes_is_cut_off(
    settings: Any, monkeypatch: pytest.MonkeyPatch, says: bytes
) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    monkeypatch.setattr(targets, "TOTAL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        # The kernel takes the connection; nobody answers on it, or only ever a beginning
        if says:

            def drip() -> None:
                line, _ = server.accept()
                with line:
                    line.sendall(says)
                    for _ in range(40):
                        try:
                            line.sendall(b"x")
                        except OSError:
                            return
                        threading.Event().wait(0.05)

            threading.Thread(target=drip, daemon=True).start()

        with pytest.raises(Unreachable):
            targets.post(f"http://127.0.0.1:{port}/", b"{}", {})


def test_nothing_listens_and_the_reason_says_so(settings: Any) -> None:
    settings.WEBHOOK_ALLOW = [ip_network("127.0.0.1/32")]
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unreachable, match="refused the connection"):
        targets.post(f"http://127.0.0.1:{port}/", b"{}", {})


def _leads_to(*addresses: str) -> Any:
    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> Any:
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses
        ]

    return getaddrinfo
