"""What a maintainer has to do with a release beside having written it, and what that keeps them
from."""

from collections.abc import Collection, Iterable

from django.db.models import Q

from registry.accounts.models import Membership, User
from registry.catalog import lineage
from registry.catalog.models import Revision, RevisionState
from registry.errors import Invalid, NotAllowed
from registry.releases import policies
from registry.releases.models import WAS_RELEASED, Interest, Release

WAS_OUT = (RevisionState.RELEASED, RevisionState.SUSPENDED, RevisionState.RECALLED)
SAID = {
    Interest.SAME_ORGANISATION: "You belong to the namespace that publishes this.",
    Interest.PARENT_AUTHOR: "You are an author of a model that this one comes from.",
}


def of(release: Release, user: User) -> list[Interest]:
    """The conflicts of interest that the registry itself can see, in the order of the choices."""
    found = {
        Interest.SAME_ORGANISATION: _belongs(release, user),
        Interest.PARENT_AUTHOR: _wrote_a_parent(release, user),
    }
    return [interest for interest in Interest if found[interest]]


def barred(release: Release, user: User) -> list[Interest]:
    """Those that keep this person from deciding, by the policy of the namespace."""
    bars = policies.of(release.repository.namespace_id).bars
    return [one for one in of(release, user) if one in bars] if bars else []


def refusal(release: Release, user: User) -> NotAllowed | None:
    if not (found := barred(release, user)):
        return None
    return NotAllowed(
        f"{sentences(found)} The policy of {release.repository.namespace.name} keeps you from "
        "deciding about it. Another maintainer has to."
    )


def acknowledge(release: Release, user: User, said: Collection[str]) -> list[str]:
    """The interests to be kept with a decision, each of which the decider has said that they know
    of; raises where one was not said."""
    found = of(release, user)
    if missing := [one for one in found if one not in said]:
        raise Invalid(
            f"{sentences(missing)} Say that you know of it: it is kept with your decision "
            f"({', '.join(one.value for one in missing)})."
        )
    return [one.value for one in found]


def sentences(found: Iterable[Interest]) -> str:
    return " ".join(SAID[one] for one in found)


def _belongs(release: Release, user: User) -> bool:
    namespace = release.repository.namespace_id
    if user.namespace_id == namespace:
        return True
    return Membership.objects.filter(user=user, namespace=namespace).exists()


def _wrote_a_parent(release: Release, user: User) -> bool:
    parents = lineage.of_revision(release.revision).parents
    here = {one.repository.pk for one in parents if one.repository is not None}
    here.discard(release.repository_id)
    if not here:
        return False
    wrote = Revision.objects.filter(repository__in=here, author=user, state__in=WAS_OUT)
    offered = Release.objects.filter(repository__in=here, status__in=WAS_RELEASED).filter(
        Q(opened_by=user) | Q(repository__namespace=user.namespace_id)
    )
    return wrote.exists() or offered.exists()
