"""What a maintainer has to do with a release, and what that keeps them from."""

from collections.abc import Collection, Iterable
from functools import cached_property

from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.models import Membership, User
from registry.audit.models import Entry
from registry.catalog import lineage, versions
from registry.catalog.models import Revision, RevisionState
from registry.errors import Invalid, NotAllowed
from registry.releases import policies
from registry.releases.models import WAS_RELEASED, Interest, Policy, Release

WAS_OUT = (RevisionState.RELEASED, RevisionState.SUSPENDED, RevisionState.RECALLED)
SAID = {
    Interest.SAME_ORGANISATION: gettext_noop("You belong to the namespace that publishes this."),
    Interest.PARENT_AUTHOR: gettext_noop("You are an author of a model that this one comes from."),
}


class Stake:
    """Of one person in one release, each read when it is first asked for, and once."""

    def __init__(self, release: Release, user: User) -> None:
        self.release = release
        self.user = user

    @cached_property
    def is_own_work(self) -> bool:
        return is_own_work(self.release, self.user)

    @cached_property
    def interests(self) -> list[Interest]:
        return of(self.release, self.user)

    @cached_property
    def policy(self) -> Policy:
        return policies.of(self.release.repository.namespace_id)

    @property
    def barred(self) -> list[Interest]:
        """The interests that keep this person from deciding, by the policy of the namespace."""
        bars = self.policy.bars
        return [one for one in self.interests if one in bars] if bars else []


def is_own_work(release: Release, user: User) -> bool:
    """Whether this person ever submitted the release, or wrote a commit since the last one."""
    if user.pk in {release.opened_by_id} | versions.authors_since_release(release.revision):
        return True
    submitted = Entry.objects.filter(
        subject_type="release", subject=release.public_id, event="release.submit"
    )
    return submitted.filter(actor=user.public_id).exists()


def of(release: Release, user: User) -> list[Interest]:
    """The conflicts of interest that the registry itself can see, in the order of the choices."""
    found = {
        Interest.SAME_ORGANISATION: _belongs(release, user),
        Interest.PARENT_AUTHOR: _wrote_a_parent(release, user),
    }
    return [interest for interest in Interest if found[interest]]


def refusal(stake: Stake) -> NotAllowed | None:
    if not (found := stake.barred):
        return None
    return NotAllowed(
        _(
            "%(found)s The policy of %(namespace)s keeps you from deciding about it. "
            "Another maintainer has to."
        )
        % {"found": sentences(found), "namespace": stake.release.repository.namespace.name}
    )


def acknowledge(release: Release, user: User, said: Collection[str]) -> list[str]:
    """The interests to be kept with a decision, each of which the decider has said that they know
    of; raises where one was not said."""
    found = of(release, user)
    if missing := [one for one in found if one not in said]:
        raise Invalid(
            _("%(missing)s Say that you know of it: it is kept with your decision (%(interests)s).")
            % {"missing": sentences(missing), "interests": ", ".join(one.value for one in missing)}
        )
    return [one.value for one in found]


def sentences(found: Iterable[Interest]) -> str:
    return " ".join(_(SAID[one]) for one in found)


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
