"""Which revision a name means, for this caller: branch, tag, commit id or its beginning."""

import re

from django.db.models import Case, F, QuerySet, When
from django.db.models.functions import Coalesce

from registry.accounts import plain_hub, shapes
from registry.accounts.callers import Caller
from registry.catalog import rights
from registry.catalog.models import MAIN, Ref, Repository, Revision, RevisionState
from registry.errors import RevisionMissing
from registry.prepared import Prepared

COMMIT_ID = re.compile(r"[0-9a-f]{7,40}")
FULL_ID = re.compile(r"[0-9a-f]{40}")


def sees_quarantine(repository: Repository, caller: Caller) -> bool:
    """Whether unreleased revisions of the repository exist for this caller."""
    return rights.of(repository, caller).sees_quarantine


def find(repository: Repository, name: str, *, caller: Caller) -> Revision:
    """The revision that `name` means for this caller, or RevisionMissing.

    A branch is its head for those who may write with the token used, and for maintainers while
    nothing of it is released; for everybody else it is the public position. In a plain hub it is
    its head for all.
    """
    if name.startswith(rights.PULL_REQUESTS):
        of_name = Ref.objects.filter(repository=repository, name=name)
        if head := _seen(repository, caller).filter(pk__in=of_name.values("head")).first():
            return head
    elif FULL_ID.fullmatch(name) and (named := _of_commit_id(repository, name, caller)):
        return named[0]  # a whole id means its commit, as for git, whatever a tag is called
    elif (ref := _ref(repository, name)) is not None:
        revision = position(ref, caller=caller)
        if revision is not None:
            return revision
        if sees_quarantine(repository, caller):
            raise RevisionMissing(
                f"Invalid rev id: {name}. Nothing of it is released yet, so it is there only for a "
                "token of scope write; name the commit instead."
            )
    elif COMMIT_ID.fullmatch(name.lower()):
        matches = list(_seen(repository, caller).filter(oid__startswith=name.lower())[:2])
        if len(matches) == 1:
            return matches[0]
    raise RevisionMissing(f"Invalid rev id: {name}")


def require_ref(repository: Repository, name: str) -> None:
    """Raise unless the repository has a branch or pull request of this full name."""
    if not Ref.objects.filter(repository=repository, name=name).exists():
        raise RevisionMissing(f"Invalid rev id: {name.removeprefix('refs/heads/')}")


def position(ref: Ref, *, caller: Caller) -> Revision | None:
    """Where a branch or tag stands for this caller; None where it does not exist for them."""
    if rights.of(ref.repository, caller).writes or is_published(ref):
        return ref.head
    if ref.public is not None:
        return ref.public
    if caller.is_maintainer:
        return ref.head
    if ref.name.startswith("refs/tags/") and ref.head.state != RevisionState.QUARANTINE:
        return ref.head
    return ref.withdrawn


def is_published(ref: Ref) -> bool:
    """Whether the head is out by being there. A pull request's revision is not, wherever somebody
    put a branch or tag on it."""
    is_proposed = ref.head.proposal_id and ref.head.state == RevisionState.QUARANTINE
    return plain_hub.is_on(ref.repository.namespace) and not is_proposed


def pull_requests_for(repository: Repository, *, caller: Caller) -> list[tuple[Ref, Revision]]:
    """The pull requests whose files exist for this caller, with the head of each."""
    seen = Revision.objects.visible_to(caller).filter(repository=repository)
    refs = _refs().filter(
        repository=repository, name__startswith=rights.PULL_REQUESTS, head__in=seen
    )
    return [(ref, ref.head) for ref in sorted(refs, key=lambda ref: int(ref.short))]


def refs_for(repository: Repository, *, caller: Caller) -> list[tuple[Ref, Revision]]:
    """All branches and tags that exist for this caller, with where each stands for them."""
    refs = (
        _refs()
        .filter(repository=repository)
        .exclude(name__startswith=rights.PULL_REQUESTS)
        .order_by("name")
    )
    for ref in refs:
        ref.repository = repository
    placed = ((ref, position(ref, caller=caller)) for ref in refs)
    return [(ref, revision) for ref, revision in placed if revision is not None]


def default_for(repository: Repository, *, caller: Caller) -> Revision | None:
    """What `main` means for this caller."""
    ref = _ref(repository, "main")
    return position(ref, caller=caller) if ref else None


def mains(*, caller: Caller, kind: str) -> QuerySet[Ref]:
    """`main` of every repository for which it exists for this caller. `shown` is the key of the
    revision where it stands for them: `position`, for many at once."""
    others = Coalesce("public_id", "head_id" if caller.is_maintainer else "withdrawn_id")
    shown = Case(
        When(repository__in=Repository.objects.writable_by(caller), then=F("head_id")),
        When(plain_hub.where("repository__namespace"), then=F("head_id")),
        default=others,
    )
    return (
        Ref.objects.filter(
            name=MAIN,
            repository__in=Repository.objects.visible_to(caller).filter(type=kind),
        )
        .annotate(shown=shown)
        .filter(shown__isnull=False)
        .select_related("repository__namespace")
    )


def _seen(repository: Repository, caller: Caller) -> QuerySet[Revision]:
    return Revision.objects.visible_to(caller).filter(repository=repository)


def _of_commit_id(repository: Repository, oid: str, caller: Caller) -> list[Revision]:
    known = rights.of(repository, caller)
    if known.knows:
        prepared = _ANY_BY_ID if known.sees_quarantine else _OUT_BY_ID
        return shapes.ask(prepared, caller, repository=repository.pk, oid=oid)
    return list(_seen(repository, caller).filter(oid=oid))


_ANY_BY_ID = Prepared(
    lambda caller, repository, oid: Revision.objects.order_by().filter(
        repository_id=repository, oid=oid
    )
)
_OUT_BY_ID = Prepared(
    lambda caller, repository, oid: (
        Revision.objects.order_by().out_for(caller).filter(repository_id=repository, oid=oid)
    )
)


def _refs() -> QuerySet[Ref]:
    return Ref.objects.select_related("head", "public", "withdrawn")


_NAMED = Prepared(
    lambda repository, one, other: _refs().filter(repository_id=repository, name__in=[one, other])
)


def _ref(repository: Repository, name: str) -> Ref | None:
    names = (
        [name]
        if name.startswith(("refs/heads/", "refs/tags/"))
        else [f"refs/heads/{name}", f"refs/tags/{name}"]
    )
    # The tag of a release means that release, whatever branch came to have its name
    found = _NAMED.rows(repository=repository.pk, one=names[0], other=names[-1])
    ref = min(found, key=lambda ref: (not ref.is_locked, ref.name), default=None)
    if ref is not None:
        ref.repository = repository  # with what is known of the caller's rights
    return ref
