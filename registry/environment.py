"""Reading the `REGISTRY_*` variables: each kind of value, and what is said of one that is wrong."""

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network

from django.core.exceptions import ImproperlyConfigured


def flag(name: str, *, default: bool) -> bool:
    value = os.environ.get(name, "").strip().lower()
    if value in {"", "default"}:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; write true or false.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name, "").strip()
    try:
        return int(value) if value else default
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} is {value!r}; write a whole number.") from error


def one_of(name: str, default: str, *others: str) -> str:
    value = os.environ.get(name, "").strip().lower() or default
    if value not in {default, *others}:
        choices = ", ".join(dict.fromkeys([default, *others]))
        raise ImproperlyConfigured(f"{name} is {value!r}; write one of: {choices}.")
    return value


def listed(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(part) for part in listed(name, "")]
    except ValueError as error:
        raise ImproperlyConfigured(
            f"{name}: {error}; write networks such as 10.1.0.0/16."
        ) from error


def limits(name: str, default: str) -> dict[str, tuple[int, int]]:
    """`api=6000/300,login=300/300` as requests and seconds by kind; `off` for none."""
    text = os.environ.get(name, "").strip() or default
    if text.lower() in {"off", "false"}:
        return {}
    found_limits = {}
    for part in text.split(","):
        found = re.fullmatch(r"(api|resolve|upload|login|page)=([1-9]\d*)/([1-9]\d*)", part.strip())
        if found is None:
            raise ImproperlyConfigured(f"{name}: {part!r} is no limit; write api=6000/300, or off.")
        found_limits[found[1]] = (int(found[2]), int(found[3]))
    return found_limits
