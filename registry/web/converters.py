"""How a revision is written in an address."""


class RevisionConverter:
    """A branch, a tag, a commit id, or `refs/pr/N`, whose slashes a browser may send as they are."""

    regex = r"refs/pr/\d+|[^/]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value
