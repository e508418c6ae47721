"""What a caller may do with a repository, asked of the database once a request, or afresh."""

from dataclasses import dataclass

from django.db.models import BooleanField, Case, Q, When
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.catalog import models
from registry.catalog.models import Proposal, Repository, RepositoryQuerySet
from registry.errors import NotAllowed, RepositoryMissing, SignInRequired

NO_WRITE = gettext_noop("You don't have the required permissions to perform this action")
PULL_REQUESTS = "refs/pr/"


@dataclass(frozen=True)
class Rights:
    """`writes` with the token that was used; `sees_quarantine` whatever its scope. `knows` says
    that the repository was found as one that the caller may know of."""

    caller: Caller
    writes: bool
    sees_quarantine: bool
    knows: bool = False


def annotate(repositories: RepositoryQuerySet, caller: Caller) -> RepositoryQuerySet:
    """Have the same query that finds repositories say what the caller may do with them."""
    return repositories.annotate(
        caller_writes=_whether(models.may_be_written_by(caller)),
        caller_sees_quarantine=_whether(models.shows_quarantine_to(caller)),
    )


def remember(repository: Repository, caller: Caller, *, knows: bool = False) -> Repository:
    """Keep what `annotate` found out with the row, for this very caller."""
    repository.rights = Rights(  # type: ignore[attr-defined]
        caller,
        writes=repository.caller_writes,  # type: ignore[attr-defined]
        sees_quarantine=repository.caller_sees_quarantine,  # type: ignore[attr-defined]
        knows=knows,
    )
    return repository


def of(repository: Repository, caller: Caller) -> Rights:
    """The caller's rights: those remembered with the row, where it was fetched for this caller."""
    known = getattr(repository, "rights", None)
    if isinstance(known, Rights) and known.caller is caller:
        return known
    row = annotate(Repository.objects.filter(pk=repository.pk), caller).first()
    if row is None:
        return Rights(caller, writes=False, sees_quarantine=False)
    found: Rights = remember(row, caller).rights  # type: ignore[attr-defined]
    return found


def require_write(repository: Repository, caller: Caller) -> None:
    """Raise unless the caller may commit to the repository with the token that they used. Asks
    afresh: an upload may have taken hours, and the repository been deleted meanwhile."""
    if caller.user is None:
        raise SignInRequired("Invalid username or password.")
    if Repository.objects.writable_by(caller.afresh()).filter(pk=repository.pk).exists():
        return
    if not Repository.objects.filter(pk=repository.pk, deleted_at__isnull=True).exists():
        raise RepositoryMissing("Repository not found")
    raise NotAllowed(_(NO_WRITE))


def may_propose(repository: Repository, caller: Caller) -> bool:
    """Whether the caller may open a pull request, and send files for one: whoever may know of the
    repository, with a token that carries the right to change things. Asks afresh too."""
    visible = Repository.objects.visible_to(caller.afresh())
    return caller.can_write and visible.filter(pk=repository.pk).exists()


def require_propose(repository: Repository, caller: Caller) -> None:
    """Raise unless the caller may open a pull request and send files for it."""
    if caller.user is None:
        raise SignInRequired("Invalid username or password.")
    if may_propose(repository, caller):
        return
    if caller.can_write:
        raise RepositoryMissing("Repository not found")
    raise NotAllowed(_(NO_WRITE))


def require_push(repository: Repository, ref: str, caller: Caller) -> None:
    """Raise unless the caller may commit to this branch or pull request, by its full name, with the
    token that they used. A pull request is its author's too. Asks afresh, as `require_write`."""
    if ref.startswith(PULL_REQUESTS):
        require_propose(repository, caller)
        own = Proposal.objects.opened_by(caller)
        if own.filter(ref__repository=repository, ref__name=ref).exists():
            return
    require_write(repository, caller)


def require_upload(repository: Repository, ref: str | None, caller: Caller) -> None:
    """Raise unless the caller may send files meant for this branch or pull request: a branch's
    short name or a full one, None where a pull request is going to be opened."""
    if not ref:
        require_propose(repository, caller)
    else:
        require_push(repository, ref, caller)


def _whether(condition: Q) -> Case:
    return Case(When(condition, then=True), default=False, output_field=BooleanField())
