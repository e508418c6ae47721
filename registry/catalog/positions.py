"""Where branches and tags stand, inside and outside. Called by `releases.workflow` alone."""

from django.utils.translation import gettext as _

from registry.catalog import announcements
from registry.catalog.models import Ref, Repository, Revision, RevisionState
from registry.errors import Conflict, RevisionMissing
from registry.outbox.webhooks import OUTSIDERS


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
    """Move the public position of a branch. To those who do not see quarantine, it is the branch."""
    ref = Ref.objects.filter(repository=repository, name=name)
    before = ref.values_list("public__oid", flat=True).first()
    ref.update(public=public, withdrawn=withdrawn)
    after = public.oid if public else None
    announcements.announce_refs(repository, (name, before, after), audience=OUTSIDERS)


def check_free(repository: Repository, label: str, revision: Revision) -> None:
    """Raise unless the tag of a release of this revision may be called this."""
    if exists(repository, f"refs/heads/{label}"):
        raise Conflict(
            _("%(label)r is the name of a branch; choose another label.") % {"label": label}
        )
    tag = Ref.objects.filter(repository=repository, name=f"refs/tags/{label}")
    if tag.exclude(head=revision).exists():
        raise Conflict(
            _("A tag %(label)r exists and is of another revision; choose another label.")
            % {"label": label}
        )


def tag_release(repository: Repository, label: str, revision: Revision) -> Ref:
    """The tag of a release, which nobody can move or delete."""
    check_free(repository, label, revision)
    ref, is_new = Ref.objects.update_or_create(
        repository=repository,
        name=f"refs/tags/{label}",
        defaults={"head": revision, "public": revision, "is_locked": True},
    )
    if is_new:
        announcements.announce_refs(repository, (ref.name, None, revision.oid))
    return ref


def public(repository: Repository, name: str) -> Revision | None:
    """The public position of a branch."""
    ref = (
        Ref.objects.select_related("public")
        .filter(repository=repository, name=f"refs/heads/{name}")
        .first()
    )
    return ref.public if ref else None
