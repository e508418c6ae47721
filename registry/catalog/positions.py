"""Where branches and tags stand, inside and outside. Called by `releases.workflow` alone."""

from registry.catalog.models import Ref, Repository, Revision, RevisionState
from registry.errors import Conflict, RevisionMissing


def branch(repository: Repository, name: str) -> Ref:
    """The branch, locked, or RevisionMissing."""
    ref = (
        Ref.objects.select_for_update(of=("self",))
        .select_related("head")
        .filter(repository=repository, name=f"refs/heads/{name.removeprefix('refs/heads/')}")
        .first()
    )
    if ref is None:
        raise RevisionMissing(f"Invalid rev id: {name}")
    return ref


def exists(repository: Repository, name: str) -> bool:
    """Whether the repository has this branch or tag, by its full name."""
    return Ref.objects.filter(repository=repository, name=name).exists()


def set_state(revision: Revision, state: RevisionState) -> None:
    """Write what the outside may know of a revision."""
    revision.state = state
    revision.save(update_fields=["state"])


def place(
    repository: Repository, name: str, *, public: Revision | None, withdrawn: Revision | None
) -> None:
    """Move the public position of a branch."""
    Ref.objects.filter(repository=repository, name=name).update(public=public, withdrawn=withdrawn)


def tag_release(repository: Repository, label: str, revision: Revision) -> Ref:
    """The tag of a release, which nobody can move or delete."""
    if Ref.objects.filter(repository=repository, name=f"refs/heads/{label}").exists():
        raise Conflict(f"{label!r} is the name of a branch; choose another label.")
    ref, is_new = Ref.objects.get_or_create(
        repository=repository,
        name=f"refs/tags/{label}",
        defaults={"head": revision, "public": revision, "is_locked": True},
    )
    if not is_new and ref.head_id != revision.pk:
        raise Conflict(f"A tag {label!r} exists and is of another revision; choose another label.")
    if not ref.is_locked:
        Ref.objects.filter(pk=ref.pk).update(is_locked=True, public=revision)
    return ref


def public(repository: Repository, name: str) -> Revision | None:
    """The public position of a branch."""
    ref = (
        Ref.objects.select_related("public")
        .filter(repository=repository, name=f"refs/heads/{name}")
        .first()
    )
    return ref.public if ref else None
