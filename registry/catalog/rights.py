"""Whether a caller may change a repository, with the refusal where not."""

from registry.accounts.callers import Caller
from registry.catalog.models import Repository
from registry.errors import NotAllowed, SignInRequired

NO_WRITE = "You don't have the required permissions to perform this action"


def may_write(repository: Repository, caller: Caller) -> bool:
    return Repository.objects.writable_by(caller).filter(pk=repository.pk).exists()


def require_write(repository: Repository, caller: Caller) -> None:
    """Raise unless the caller may commit to the repository with the token that they used."""
    if caller.user is None:
        raise SignInRequired("Invalid username or password.")
    if not may_write(repository, caller):
        raise NotAllowed(NO_WRITE)
