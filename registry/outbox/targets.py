"""Which addresses of the network the registry may post to, and posting to exactly those.

A name is resolved once for each delivery, every address that it has must be allowed, and the
connection goes to the address that was looked at: a name that changes its mind opens nothing.
"""

import http.client
import ipaddress
import re
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from registry.errors import Invalid

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 15.0
MAX_URL = 500
_PLAIN = re.compile(r"[\x21-\x7e]+")
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SITE_LOCAL = ipaddress.ip_network("fec0::/10")
_NAT64_LOCAL = ipaddress.ip_network("64:ff9b:1::/48")
# Answers inside a cloud's machines only, although its number looks like any other
_OF_CLOUDS = frozenset({ipaddress.ip_address("168.63.129.16")})

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Unreachable(Exception):
    """Nobody took the post: no connection, no answer in time, or no HTTP."""


@dataclass(frozen=True)
class Target:
    """A place to post to, with the addresses that its name had when it was looked at."""

    scheme: str
    host: str
    port: int
    path: str
    addresses: tuple[Address, ...]


def parse(url: str) -> Target:
    """The parts of an address, not yet resolved. Raises Invalid."""
    if len(url) > MAX_URL or not _PLAIN.fullmatch(url):
        raise Invalid(
            _("url: write an http(s) address of at most %(most)s plain characters.")
            % {"most": MAX_URL}
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid(_("url: this is not an address.")) from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise Invalid(_("url: write an address that begins with https:// or http://."))
    if "@" in parts.netloc:
        raise Invalid(_("url: leave the user name and password out; the secret is for that."))
    if not _HOST.fullmatch(parts.hostname):
        raise Invalid(_("url: the host has characters that no host has."))
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    usual = 443 if parts.scheme == "https" else 80
    return Target(parts.scheme, parts.hostname, port or usual, path, ())


def resolve(url: str) -> Target:
    """The place with its addresses, every one of them allowed. Raises Invalid."""
    target = parse(url)
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Invalid(_("url: the name %(host)r leads nowhere.") % {"host": target.host}) from error
    addresses = tuple(dict.fromkeys(ipaddress.ip_address(str(one[4][0])) for one in found))
    if not addresses or not all(is_allowed(address) for address in addresses):
        raise Invalid(
            _("url: %(host)r is an inward address, which the registry posts nothing to.")
            % {"host": target.host}
        )
    return Target(target.scheme, target.host, target.port, target.path, addresses)


def is_allowed(address: Address) -> bool:
    """Whether the registry may speak to it: outward, or named by the operator."""
    inner = _inner(address)
    if any(address in network or inner in network for network in settings.WEBHOOK_ALLOW):
        return True
    return all(one.is_global and not _is_special(one) for one in (address, inner))


def _is_special(address: Address) -> bool:
    return (
        bool(
            address.is_multicast
            or address.is_unspecified
            or address.is_reserved
            or address in _OF_CLOUDS
            or address in _NAT64_LOCAL
            or address in _SITE_LOCAL
        )
        and address not in _NAT64
    )


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped:
        return address.ipv4_mapped
    if address.sixtofour:
        return address.sixtofour
    if address.teredo:
        return address.teredo[1]
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """Post to where the address leads now, and return the status. Redirects are not followed, and
    of the answer nothing but its status is read. Raises Invalid or Unreachable."""
    target = resolve(url)
    sent = _Connection(target)
    # Each step has a limit of its own; this one is for a receiver that drips
    guard = threading.Timer(TOTAL_SECONDS, sent.cut)
    guard.daemon = True
    guard.start()
    try:
        sent.request("POST", target.path, body=body, headers=headers)
        status = sent.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(_why(error)) from error
    finally:
        guard.cancel()
        sent.close()
    if sent.was_cut:
        raise Unreachable("The receiver did not answer in time.")
    return status


class _Connection(http.client.HTTPConnection):
    """A connection to the addresses that were looked at, under the name that they were found by."""

    def __init__(self, target: Target) -> None:
        super().__init__(target.host, target.port, timeout=CONNECT_SECONDS)
        self._target = target
        self.was_cut = False
        self.default_port = 443 if target.scheme == "https" else 80

    def connect(self) -> None:
        self.sock = _open(self._target)
        self.sock.settimeout(TOTAL_SECONDS)
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self._target.host)

    def cut(self) -> None:
        """End whatever waits for the receiver, from another thread."""
        self.was_cut = True
        if (held := self.sock) is not None:
            with suppress(OSError, ValueError):
                held.shutdown(socket.SHUT_RDWR)


def _open(target: Target) -> socket.socket:
    """The first of the addresses that takes the connection. No name is resolved again."""
    last: OSError | None = None
    for address in target.addresses[:4]:
        try:
            return socket.create_connection((str(address), target.port), timeout=CONNECT_SECONDS)
        except OSError as error:
            last = error
    raise last or OSError("no address")


def _why(error: Exception) -> str:
    """A reason that holds nothing of the address or of the answer."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return "The certificate of the receiver is not good."
    if isinstance(error, TimeoutError):
        return "The receiver did not answer in time."
    if isinstance(error, ConnectionRefusedError):
        return "The receiver refused the connection."
    return f"The receiver did not answer: {type(error).__name__}."
