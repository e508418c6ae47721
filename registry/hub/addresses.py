"""How addresses of the wire are read: by the path as it was sent, where `%2F` is no `/`."""

from urllib.parse import quote, unquote, urlsplit

from django.http import HttpRequest

from registry.catalog.models import RepositoryType


def raw_path(request: HttpRequest) -> str:
    """The path of the request without its first slash, still encoded.

    gunicorn hands it over. Other servers have decoded it already: then branches with a slash in
    their name cannot be addressed, and everything else works.
    """
    sent = request.META.get("RAW_URI", "")
    if sent.startswith("/"):
        return str(sent).partition("?")[0].partition("#")[0].lstrip("/")
    if sent:
        return urlsplit(str(sent)).path.lstrip("/")
    return quote(request.path_info.lstrip("/"))


def _decoded(value: str) -> str:
    text = unquote(value, errors="strict")
    if "\0" in text:
        raise ValueError("no name holds a zero byte")
    return text


class Segment:
    """One part of a path, whatever is encoded in it."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        return _decoded(value)

    def to_url(self, value: str) -> str:
        return quote(value, safe="")


class RevisionSegment(Segment):
    """A branch, tag or commit id; old clients send the slashes of `refs/pr/N` as they are."""

    regex = r"refs/(?:pr|heads|tags|convert)/[^/]+|[^/]+"


class RepositoryId(Segment):
    """`namespace/name`."""

    regex = "[^/]+/[^/]+"

    def to_url(self, value: str) -> str:
        return quote(value)


class FilePath(Segment):
    """The rest of a path, slashes encoded or not."""

    regex = ".+"

    def to_url(self, value: str) -> str:
        return quote(value)


class Plural:
    """The type of repository as API paths name it (`models`)."""

    regex = "|".join(f"{kind}s" for kind in RepositoryType.values)

    def to_python(self, value: str) -> str:
        return value.removesuffix("s")

    def to_url(self, value: str) -> str:
        return f"{value}s"
