"""The refusals that rules raise. Rules know no HTTP: each entrance turns these into its own answers."""


class RegistryError(Exception):
    """A refusal with one sentence for the person, and where to go next when there is such a place.

    `next_url` is a path on this site ("/lab/llama/terms"); entrances make it absolute.
    """

    def __init__(self, message: str, *, next_url: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.next_url = next_url

    def __str__(self) -> str:
        return str(self.message)


class Invalid(RegistryError):
    """What was sent cannot be right, whoever sends it and whenever."""


class InvalidPath(Invalid):
    """A file name that no repository may hold (UPL-PATH)."""


class NotAllowed(RegistryError):
    """This caller may know of the thing, but may not do this to it."""


class NotNow(RegistryError):
    """The state of the thing forbids it at present."""


class Conflict(RegistryError):
    """Somebody else was quicker: the name is taken, or the branch has moved."""


class StaleParent(Conflict):
    """A commit named a parent that is no longer the head."""


class TooLarge(RegistryError):
    """More bytes, files or characters than the site takes."""


class QuotaExceeded(RegistryError):
    """The namespace may not hold so many bytes."""


class StorageFull(RegistryError):
    """The disk is full; nothing of the upload was kept."""


class StorageUnavailable(RegistryError):
    """The place where bytes lie does not answer now; it is not the caller's fault.
    `seconds` says when to try again."""

    seconds = 10


class RepositoryMissing(RegistryError):
    """No such repository, or none that this caller may know of."""


class Moved(RepositoryMissing):
    """The repository has another name now, which this caller may know. Entrances that have an
    address with the old name send there; for all others there is no such repository."""

    def __init__(self, *, was: str, now: str) -> None:
        super().__init__("Repository not found")
        self.was = was
        self.now = now


class RevisionMissing(RegistryError):
    """No such branch, tag or commit, or none that this caller may know of."""


class EntryMissing(RegistryError):
    """The revision has no such file or folder. `commit` is the revision that was looked at."""

    def __init__(self, message: str, *, commit: str = "") -> None:
        super().__init__(message)
        self.commit = commit


class Missing(RegistryError):
    """What was asked for is not there, or not for this caller. Repositories have answers of their
    own."""


class TooMany(RegistryError):
    """The same was asked too often; later it will be taken. `seconds` says when."""

    def __init__(self, message: str, *, seconds: int = 60) -> None:
        super().__init__(message)
        self.seconds = seconds


class DiscussionMissing(RegistryError):
    """No such discussion, pull request or comment, or none that this caller may know of."""


class SignInRequired(RegistryError):
    """Nobody is signed in, and this needs somebody."""


class InvalidToken(SignInRequired):
    """A token was sent, and it is unknown, expired or revoked."""


class GateClosed(RegistryError):
    """The gate said no to somebody who may know of the files. The message says what to do next."""


class NotGated(Invalid):
    """The publisher has no lock on the repository, so there is nothing to ask or grant."""


class AccessRequired(GateClosed):
    """The publisher has to let the person in first."""


class TermsRequired(GateClosed):
    """The terms have to be accepted first."""


class Withdrawn(GateClosed):
    """The release was suspended or recalled."""
