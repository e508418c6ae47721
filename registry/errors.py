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


class StorageFull(RegistryError):
    """The disk is full; nothing of the upload was kept."""


class RepositoryMissing(RegistryError):
    """No such repository, or none that this caller may know of."""


class RevisionMissing(RegistryError):
    """No such branch, tag or commit, or none that this caller may know of."""


class EntryMissing(RegistryError):
    """The revision has no such file or folder. `commit` is the revision that was looked at."""

    def __init__(self, message: str, *, commit: str = "") -> None:
        super().__init__(message)
        self.commit = commit


class SignInRequired(RegistryError):
    """Nobody is signed in, and this needs somebody."""


class InvalidToken(SignInRequired):
    """A token was sent, and it is unknown, expired or revoked."""


class GateClosed(RegistryError):
    """The gate said no to somebody who may know of the files. The message says what to do next."""


class TermsRequired(GateClosed):
    """The terms have to be accepted first."""


class Withdrawn(GateClosed):
    """The release was suspended or recalled."""
