"""How names, revisions and paths are written in an address."""


class _Text:
    regex = ""

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class NameConverter(_Text):
    """A namespace or a repository: what could never be a name of one leads to no page."""

    regex = r"[A-Za-z0-9][A-Za-z0-9._-]*"


class PlaceConverter(_Text):
    """A namespace, after the prefix of a type that is not model."""

    regex = rf"(?:datasets/)?{NameConverter.regex}"


class RevisionConverter(_Text):
    """A branch, a tag, a commit id, or `refs/pr/N`, whose slashes a browser may send as they are."""

    regex = r"refs/pr/\d+|[^/\0]+"


class NumberConverter:
    """The number of a discussion; longer ones than the database counts lead to no page."""

    regex = r"[1-9][0-9]{0,8}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


class FileConverter(_Text):
    """A path in a revision. The database takes no NUL, so no address has one."""

    regex = r"[^\0]+"
