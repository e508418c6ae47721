"""Making, finding, moving and deleting repositories."""

from typing import TypeVar, cast

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext

from registry.accounts import naming, permissions, shapes
from registry.accounts.callers import Caller
from registry.accounts.models import Namespace
from registry.accounts.permissions import Permission
from registry.audit import log
from registry.catalog import (
    announcements,
    commits,
    holdings,
    quotas,
    rights,
    search_names,
    turns,
)
from registry.catalog.models import (
    FormerName,
    Repository,
    RepositoryQuerySet,
    RepositoryType,
    Revision,
    RevisionState,
    Visibility,
)
from registry.errors import (
    Conflict,
    Invalid,
    Moved,
    NotAllowed,
    RepositoryMissing,
    SignInRequired,
)
from registry.prepared import Prepared
from registry.storage.models import Blob

Row = TypeVar("Row", Repository, FormerName)
LFS_PATTERNS = (
    "*.safetensors *.gguf *.bin *.pth *.pt *.onnx *.h5 *.msgpack *.npy *.npz *.parquet "
    "*.7z *.gz *.tar *.zip *.zst *.xz *.pickle *.pkl *.ckpt *.model"
)
DEFAULT_GITATTRIBUTES = "".join(
    f"{pattern} filter=lfs diff=lfs merge=lfs -text\n" for pattern in LFS_PATTERNS.split()
).encode()
MOVES = 0x6D6F7665  # the key of the lock under which moves take turns


@transaction.atomic
def create(
    *,
    namespace: str | None,
    name: str,
    by: Caller,
    visibility: str = Visibility.PUBLIC,
    type: str = RepositoryType.MODEL,  # noqa: A002
) -> Repository:
    """A new repository with one commit on `main` that holds only `.gitattributes`.

    Raises Conflict when the caller has a repository of that name already.
    """
    if by.user is None:
        raise SignInRequired(gettext("Sign in, or send a token, to create a repository."))
    if by.repositories is not None:
        raise NotAllowed(
            gettext("This token is limited to listed repositories and cannot create one.")
        )
    check_type(type)
    owner = _owner(namespace, by)
    naming.check_repository(name)
    _check_unused(owner, name, type)
    if visibility not in Visibility.values:
        raise Invalid(
            gettext("%(visibility)r is not a visibility; choose public or private.")
            % {"visibility": visibility}
        )
    wanted = Repository(
        type=type, namespace=owner, name=name, visibility=visibility, created_by=by.user
    )
    try:
        with transaction.atomic():
            wanted.save(force_insert=True)
    except IntegrityError as error:
        raise Conflict(
            gettext("You already created this %(type)s repo") % {"type": type},
            next_url=_address_of(wanted),
        ) from error
    repository = wanted
    search_names.enter(repository)
    _former(owner, name, type).delete()  # from now on the name means this one
    commits.write_first(repository, author=by.user, files={".gitattributes": DEFAULT_GITATTRIBUTES})
    log.record(
        "repository.create", actor=by.public_id, subject=repository, visibility=str(visibility)
    )
    announcements.announce(repository, "repo", "create")
    return repository


def find(full_name: str, *, caller: Caller, type: str = RepositoryType.MODEL) -> Repository:  # noqa: A002
    """The repository of this id, in any case, if the caller may know of it; else RepositoryMissing.

    Where the id is a former name of one that the caller may know of, the refusal says its name now.
    """
    namespace, _, name = full_name.partition("/")
    asked = {"namespace": namespace.lower(), "name": name.lower(), "kind": type}
    try:
        return _found(shapes.ask(_BY_NAME, caller, **asked), caller)
    except RepositoryMissing:
        moved = _named(FormerName.objects.all(), **asked)
        now = Repository.objects.visible_to(caller).filter(former_names__in=moved)
        if (repository := now.select_related("namespace").first()) is None:
            raise
        raise Moved(was=full_name, now=repository.full_name) from None


def of_id(public_id: str, *, caller: Caller) -> Repository:
    """The repository with this opaque id, if the caller may know of it; else RepositoryMissing."""
    return _found(list(_one_of(Repository.objects.filter(public_id=public_id), caller)), caller)


def _named(rows: QuerySet[Row], *, namespace: str, name: str, kind: str) -> QuerySet[Row]:
    # Folded as the unique indexes are, so that they serve
    folded = rows.alias(folded_name=Lower("name"), folded_namespace=Lower("namespace__name"))
    return folded.filter(folded_name=name, folded_namespace=namespace, type=kind)


def _one_of(found: QuerySet[Repository], caller: Caller) -> QuerySet[Repository]:
    """The one that the caller may know of, with their rights. There is one at most, and so no
    order: `first` would have the database sort it."""
    visible = cast(RepositoryQuerySet, found).visible_to(caller)
    return rights.annotate(visible, caller).select_related("namespace")[:1]


_BY_NAME = Prepared(
    lambda caller, **asked: _one_of(_named(Repository.objects.all(), **asked), caller)
)


def _found(rows: list[Repository], caller: Caller) -> Repository:
    if not rows:
        raise RepositoryMissing("Repository not found")
    return rights.remember(rows[0], caller, knows=True)


@transaction.atomic
def move(repository: Repository, *, to: str, by: Caller) -> Repository:
    """Give a repository another name, or another namespace. Addresses with the old name lead to
    the new one until its former owner makes something of that name.

    Renaming needs the right to write; taking a repository out of its namespace needs the role that
    could also delete it there, and the right to create in the other.
    """
    namespace, _, name = to.partition("/")
    naming.check_repository(name)
    _take_turns()
    holdings.be_alone(repository.pk)
    repository = turns.take(repository)
    source, old_name = repository.namespace, repository.name
    rights.require_write(repository, by)
    target = source
    if namespace.lower() != source.name.lower():
        target = _destination(repository, namespace, by)
        brought = Blob.objects.filter(holdings__repository=repository)
        quotas.require_room_for(Q(pk=target.pk), brought)
    if (source.pk, old_name) == (target.pk, name):
        return repository
    is_respelled = source.pk == target.pk and old_name.lower() == name.lower()
    if not is_respelled:
        _check_unused(target, name, repository.type)
    repository.namespace, repository.name = target, name
    try:
        with transaction.atomic():
            repository.save(update_fields=["namespace", "name"])
    except IntegrityError as error:
        raise Conflict(
            gettext("A %(type)s repository called %(full_name)s already exists")
            % {"type": repository.type, "full_name": repository.full_name},
            next_url=repository.get_absolute_url(),
        ) from error
    search_names.rename(repository)
    _former(target, name, repository.type).delete()
    if not is_respelled:
        FormerName.objects.create(
            type=repository.type, namespace=source, name=old_name, repository=repository
        )
    log.record(
        "repository.move",
        actor=by.public_id,
        subject=repository,
        source=[source.public_id, old_name],
        target=[target.public_id, name],
    )
    announcements.announce_move(repository, former=f"{source.name}/{old_name}")
    return repository


@transaction.atomic
def delete(repository: Repository, *, by: Caller) -> None:
    """Hide a repository at once. What happened in it stays on record.

    What is released now stays reachable for those who rely on it: a maintainer suspends or recalls
    it first.
    """
    _require_manage(repository, by, "Deleting a repository")
    turns.take(repository)
    if repository.revisions.filter(state=RevisionState.RELEASED).exists():
        raise NotAllowed(
            gettext(
                "A model that is released cannot be deleted: ask a maintainer to suspend or "
                "recall its releases first."
            )
        )
    announcements.announce_deletion(repository)
    Repository.objects.filter(pk=repository.pk).update(deleted_at=timezone.now())
    log.record("repository.delete", actor=by.public_id, subject=repository)


@transaction.atomic
def set_visibility(repository: Repository, visibility: str, *, by: Caller) -> None:
    """Say who may know of a repository: everybody, or the members of its namespace."""
    if visibility not in Visibility.values:
        raise Invalid(
            gettext("%(visibility)r is not a visibility; choose public or private.")
            % {"visibility": visibility}
        )
    _require_manage(repository, by, "Changing the visibility of a repository")
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
        announcements.announce(repository, "repo.config", "update")


def _address_of(taken: Repository) -> str:
    """Where the repository is that has this name, as it spells it itself."""
    named = {"namespace": taken.namespace, "folded": taken.name.lower(), "type": taken.type}
    rows = Repository.objects.alias(folded=Lower("name")).filter(**named, deleted_at__isnull=True)
    return (rows.select_related("namespace").first() or taken).get_absolute_url()


def check_type(type: str) -> None:  # noqa: A002
    """Raise unless the site takes repositories of this type."""
    if type not in settings.REPOSITORY_TYPES:
        held = " and ".join(f"{kind}s" for kind in settings.REPOSITORY_TYPES)
        raise Invalid(
            gettext("This registry holds %(held)s; repositories of type %(type)r are switched off.")
            % {"held": held, "type": type[:40]}
        )


def _require_manage(repository: Repository, by: Caller, what: str) -> None:
    if by.user is None:
        raise SignInRequired(gettext("Sign in, or send a token, to do this."))
    if not by.reaches(repository.public_id) or not permissions.may(
        by, Permission.MANAGE, repository.namespace
    ):
        raise NotAllowed(
            gettext("%(what)s needs the role admin in its namespace and a token of scope write.")
            % {"what": what}
        )


def _destination(repository: Repository, namespace: str, by: Caller) -> Namespace:
    """The namespace that a repository may be transferred to."""
    _require_manage(repository, by, "Taking a repository out of its namespace")
    if by.repositories is not None:
        raise NotAllowed(
            gettext("This token is limited to listed repositories and cannot transfer one.")
        )
    target = _owner(namespace, by)
    if target.publishes_on_commit != repository.namespace.publishes_on_commit:
        raise NotAllowed(
            gettext(
                "One of the two namespaces publishes on commit, without review, and the other "
                "does not: upload the files to the other instead."
            )
        )
    return target


def _take_turns() -> None:
    """Let no two moves run at once: each would wait for the name that the other has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [MOVES])


def _former(owner: Namespace, name: str, kind: str) -> QuerySet[FormerName]:
    return FormerName.objects.alias(folded=Lower("name")).filter(
        namespace=owner, folded=name.lower(), type=kind
    )


def _check_unused(owner: Namespace, name: str, kind: str) -> None:
    """Raise where this name meant a released model that was deleted: who pinned it would get
    something else.

    No Conflict: clients take that for a repository that is there, and go on.
    """
    known = Revision.objects.exclude(state=RevisionState.QUARANTINE)
    had_name = Q(namespace=owner, folded_name=name.lower()) | Q(
        former_names__in=_former(owner, name, kind)
    )
    was_released = Repository.objects.alias(folded_name=Lower("name")).filter(
        had_name,
        Exists(known.filter(repository=OuterRef("pk"))),
        type=kind,
        deleted_at__isnull=False,
    )
    if was_released.exists():
        raise NotAllowed(
            gettext(
                "%(owner)s/%(name)s was used by a %(kind)s that was released and later "
                "deleted; choose another name."
            )
            % {"owner": owner.name, "name": name, "kind": kind}
        )


def _owner(namespace: str | None, by: Caller) -> Namespace:
    assert by.user is not None  # noqa: S101 - the caller was asked above
    if namespace is None:
        owner = by.user.namespace
    else:
        found = Namespace.objects.filter(name__iexact=namespace).first()
        if found is None:
            raise NotAllowed(
                gettext("There is no namespace %(namespace)r that you may create repositories in.")
                % {"namespace": namespace}
            )
        owner = found
    if not permissions.may(by, Permission.WRITE, owner):
        raise NotAllowed(
            gettext(
                "You don't have the required permissions to perform this action: creating a "
                "repository in %(owner)r needs a role there and a token of scope write."
            )
            % {"owner": owner.name}
        )
    return owner
