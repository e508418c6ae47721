"""Making, finding and deleting repositories."""

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Lower
from django.utils import timezone

from registry.accounts import names, permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.catalog import commits, rights
from registry.catalog.models import (
    Repository,
    RepositoryQuerySet,
    RepositoryType,
    Revision,
    RevisionState,
    Visibility,
)
from registry.errors import Conflict, Invalid, NotAllowed, RepositoryMissing, SignInRequired

LFS_PATTERNS = (
    "*.safetensors *.gguf *.bin *.pth *.pt *.onnx *.h5 *.msgpack *.npy *.npz *.parquet "
    "*.7z *.gz *.tar *.zip *.zst *.xz *.pickle *.pkl *.ckpt *.model"
)
DEFAULT_GITATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS.split()
).encode()


@transaction.atomic
def create(
    *, namespace: str | None, name: str, by: Caller, visibility: str = Visibility.PUBLIC
) -> Repository:
    """A new repository with one commit on `main` that holds only `.gitattributes`.

    Raises Conflict when the caller has a repository of that name already.
    """
    if by.user is None:
        raise SignInRequired("Sign in, or send a token, to create a repository.")
    if by.repositories is not None:
        raise NotAllowed("This token is limited to listed repositories and cannot create one.")
    owner = _owner(namespace, by)
    names.check_repository(name)
    _check_unused(owner, name)
    if visibility not in Visibility.values:
        raise Invalid(f"{visibility!r} is not a visibility; choose public or private.")
    try:
        with transaction.atomic():
            repository = Repository.objects.create(
                namespace=owner, name=name, visibility=visibility, created_by=by.user
            )
    except IntegrityError as error:
        raise Conflict(
            "You already created this model repo", next_url=f"/{owner.name}/{name}"
        ) from error
    log.record(
        "repository.create", actor=by.public_id, subject=repository, visibility=str(visibility)
    )
    commits.write_first(repository, author=by.user, files={".gitattributes": DEFAULT_GITATTRIBUTES})
    return repository


def find(full_name: str, *, caller: Caller, type: str = RepositoryType.MODEL) -> Repository:  # noqa: A002
    """The repository of this id, in any case, if the caller may know of it; else RepositoryMissing."""
    namespace, _, name = full_name.partition("/")
    # Folded as the unique indexes are, so that they serve
    found = Repository.objects.alias(
        folded_name=Lower("name"), folded_namespace=Lower("namespace__name")
    ).filter(folded_name=name.lower(), folded_namespace=namespace.lower(), type=type)
    return _the_one(found, caller)


def of_id(public_id: str, *, caller: Caller) -> Repository:
    """The repository with this opaque id, if the caller may know of it; else RepositoryMissing."""
    return _the_one(Repository.objects.filter(public_id=public_id), caller)


def _the_one(found: RepositoryQuerySet, caller: Caller) -> Repository:
    visible = rights.annotate(found.visible_to(caller), caller)
    repository = visible.select_related("namespace").first()
    if repository is None:
        raise RepositoryMissing("Repository not found")
    return rights.remember(repository, caller)


@transaction.atomic
def delete(repository: Repository, *, by: Caller) -> None:
    """Hide a repository at once. What happened in it stays on record.

    What is released now stays reachable for those who rely on it: a maintainer suspends or recalls
    it first.
    """
    if not permissions.may(by, Permission.ADMIN, repository.namespace):
        raise NotAllowed(
            "Deleting a repository needs the role admin in its namespace and a token of scope admin."
        )
    if repository.revisions.filter(state=RevisionState.RELEASED).exists():
        raise NotAllowed(
            "A model that is released cannot be deleted: ask a maintainer to suspend or recall "
            "its releases first."
        )
    Repository.objects.filter(pk=repository.pk).update(deleted_at=timezone.now())
    log.record("repository.delete", actor=by.public_id, subject=repository)


@transaction.atomic
def set_visibility(repository: Repository, visibility: str, *, by: Caller) -> None:
    """Say who may know of a repository: everybody, or the members of its namespace."""
    if visibility not in Visibility.values:
        raise Invalid(f"{visibility!r} is not a visibility; choose public or private.")
    if not permissions.may(by, Permission.ADMIN, repository.namespace):
        raise NotAllowed(
            "Changing the visibility of a repository needs the role admin in its namespace and a "
            "token of scope admin."
        )
    changed = (
        Repository.objects.filter(pk=repository.pk)
        .exclude(visibility=visibility)
        .update(visibility=visibility)
    )
    if changed:
        log.record(
            "repository.set-visibility",
            actor=by.public_id,
            subject=repository,
            visibility=str(visibility),
        )


def _check_unused(owner: Namespace, name: str) -> None:
    """Raise where this name meant a released model: who pinned it would get something else.

    No Conflict: clients take that for a repository that is there, and go on.
    """
    known = Revision.objects.exclude(state=RevisionState.QUARANTINE)
    was_released = Repository.objects.alias(folded_name=Lower("name")).filter(
        Exists(known.filter(repository=OuterRef("pk"))),
        namespace=owner,
        folded_name=name.lower(),
        deleted_at__isnull=False,
    )
    if was_released.exists():
        raise NotAllowed(
            f"{owner.name}/{name} was used by a model that was released and later deleted; choose "
            "another name."
        )


def _owner(namespace: str | None, by: Caller) -> Namespace:
    assert by.user is not None  # noqa: S101 - the caller was asked above
    if namespace is None:
        owner = by.user.namespace
    else:
        found = Namespace.objects.filter(name__iexact=namespace).first()
        if found is None:
            raise NotAllowed(
                f"There is no namespace {namespace!r} that you may create repositories in."
            )
        owner = found
    if not permissions.may(by, Permission.WRITE, owner):
        raise NotAllowed(
            "You don't have the required permissions to perform this action: creating a "
            f"repository in {owner.name!r} needs a role there and a token of scope write."
        )
    return owner
