"""What a pull request is to the catalog: its ref, where it began, and which bytes may be named."""

from collections.abc import Collection, Iterable

from django.db.models import Q
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.catalog import revisions, rights
from registry.catalog.models import Holding, Proposal, Ref, Repository, Revision, RevisionState
from registry.errors import NotAllowed, RevisionMissing, SignInRequired


def start_of(repository: Repository, branch: str, *, caller: Caller) -> Revision:
    """Where a pull request of this caller onto a branch begins: where the branch stands for them.
    Those who see quarantine and write begin at the head, others at the public position."""
    name = f"refs/heads/{branch.removeprefix('refs/heads/')}"
    try:
        start = revisions.find(repository, name, caller=caller)
    except RevisionMissing as error:
        raise RevisionMissing(f"Invalid rev id: {branch}") from error
    if (
        start.state in {RevisionState.SUSPENDED, RevisionState.RECALLED}
        and not rights.of(repository, caller).sees_quarantine
    ):
        raise NotAllowed(_("What was released from this branch is withdrawn, so nothing is taken."))
    return start


def create(
    repository: Repository, *, number: int, branch: str, start: Revision, by: Caller
) -> Proposal:
    """Make `refs/pr/N`. Who asks has been found to be allowed to, and the repository is locked."""
    if by.user is None:
        raise SignInRequired(_("Sign in to open a pull request."))
    ref = Ref.objects.create(
        repository=repository, name=f"{rights.PULL_REQUESTS}{number}", head=start
    )
    base = f"refs/heads/{branch.removeprefix('refs/heads/')}"
    return Proposal.objects.create(ref=ref, by=by.user, base=base, start=start)


def brought(repository: Repository, hashes: Iterable[str], *, by: User) -> set[str]:
    """Which of these SHA-256 this person sent into the repository, and it still holds."""
    return set(
        Holding.objects.filter(repository=repository, blob__sha256__in=set(hashes))
        .filter(Q(brought_by=by) | Q(brought_again__by=by))
        .values_list("blob__sha256", flat=True)
    )


def nameable(
    repository: Repository, hashes: Collection[str], *, by: Caller, opened: Collection[str] = ()
) -> set[str]:
    """Which of these SHA-256 a commit of this caller may name: whatever the repository holds, for
    those who write it; for others what they sent themselves, and what is open to them anyway.
    To know a hash gives no right to the bytes."""
    if by.user is None:
        return set()
    if Repository.objects.writable_by(by).filter(pk=repository.pk).exists():
        held = Holding.objects.filter(repository=repository, blob__sha256__in=set(hashes))
        return set(held.values_list("blob__sha256", flat=True))
    return brought(repository, hashes, by=by.user) | set(hashes).intersection(opened)
