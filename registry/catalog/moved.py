"""Where an address with a former name leads: the same address with the name that the repository has."""

from urllib.parse import quote, unquote

# What may stand before the id: the types of the wire, our own API, the prefixes of other types
_API, _OWN_API = "api", ("api", "v1")


def location(sent: str, *, query: str, was: str, now: str) -> str | None:
    """The address as it was sent, still encoded, with the id replaced; on this very site, because
    old clients follow no other. None where the id is not part of the address."""
    parts = sent.lstrip("/").split("/")
    at = _start(parts)
    if len(parts) < at + 2:
        return None
    namespace, name = unquote(parts[at]), unquote(parts[at + 1])
    ending = ""
    if name.endswith(".git"):
        name, ending = name.removesuffix(".git"), ".git"
    if f"{namespace}/{name}".lower() != was.lower():
        return None
    parts[at], _, new_name = quote(now).partition("/")
    parts[at + 1] = new_name + ending
    return "/" + "/".join(parts) + (f"?{query}" if query else "")


def _start(parts: list[str]) -> int:
    """Where in an address the id of a repository begins."""
    if tuple(parts[:2]) == _OWN_API:
        return 3
    if parts[0] == _API:
        return 2
    return 1 if parts[0] in {"datasets", "spaces"} else 0
