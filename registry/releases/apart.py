"""Reviewers who look for themselves: what of a review is kept from one who is not done yet.

Where the policy of the namespace says so, a maintainer who has not decided on the release as it is
now sees nothing that other maintainers decided, ticked or said since it was submitted. Whoever
wrote it themselves decides nothing, and sees all.
"""

from django.db.models import Exists, OuterRef, Q, QuerySet

from registry.accounts.callers import Caller
from registry.accounts.models import SiteRole, User
from registry.discussions import threads
from registry.discussions.models import Discussion, Event, EventKind
from registry.releases import interests, steps
from registry.releases.models import Decision, Release, Remark, Status

SPOKEN = (EventKind.COMMENT, EventKind.REVIEW)


def hides(release: Release, caller: Caller) -> bool:
    """Whether this caller still has to look for themselves."""
    if release.status != Status.IN_REVIEW:
        return False
    return _hides(Release.objects.filter(pk=release.pk), caller) is not None


def decisions(
    release: Release, caller: Caller, *, is_hidden: bool | None = None
) -> QuerySet[Decision]:
    """With `is_hidden` what `hides` has answered already, here and below."""
    found = release.decisions.select_related("by")
    if hides(release, caller) if is_hidden is None else is_hidden:
        return found.exclude(~Q(by=caller.user) & Q(digest=release.digest))
    return found


def approvals(release: Release, caller: Caller) -> int | None:
    """How many approved the release as it is now; None to whom it is kept from."""
    return None if hides(release, caller) else steps.approvals(release)


def remarks(release: Release, caller: Caller, *, is_hidden: bool | None = None) -> QuerySet[Remark]:
    found = Remark.objects.filter(release=release)
    is_hidden = hides(release, caller) if is_hidden is None else is_hidden
    return found.exclude(event__in=_kept(release, caller)) if is_hidden else found


def events(discussion: Discussion, *, caller: Caller) -> QuerySet[Event]:
    """What happened in a thread, as far as the caller may know of it now."""
    found = threads.events(discussion, caller=caller)
    apart = _hides(Release.objects.filter(discussion=discussion), caller)
    return found if apart is None else found.exclude(pk__in=_kept(apart, caller))


def is_kept(event_id: str, caller: Caller) -> bool:
    """Whether this event of a thread is kept from the caller: asked by what tells of it elsewhere."""
    releases = Release.objects.filter(discussion__events__public_id=event_id)
    apart = _hides(releases, caller)
    if apart is None:
        return False
    return _kept(apart, caller).filter(public_id=event_id).exists()


def _hides(releases: QuerySet[Release], caller: Caller) -> Release | None:
    """The one of these in review that the caller still has to look at for themselves."""
    if caller.user is None or not caller.is_maintainer:
        return None
    done = Decision.objects.filter(
        release=OuterRef("pk"), by=caller.user, digest=OuterRef("digest")
    )
    found = (
        releases.filter(
            ~Exists(done),
            status=Status.IN_REVIEW,
            repository__namespace__policy__reviews_apart=True,
        )
        .select_related("revision")
        .first()
    )
    return None if found is None or interests.is_own_work(found, caller.user) else found


def _kept(release: Release, caller: Caller) -> QuerySet[Event]:
    """What other maintainers said in the thread since the release was last submitted."""
    in_thread = Event.objects.filter(discussion=release.discussion_id)
    submitted = in_thread.filter(
        kind=EventKind.REVIEW, facts__step="submit", facts__version=release.version
    ).order_by("-pk")
    reviewers = User.objects.filter(site_role__in=[SiteRole.MAINTAINER, SiteRole.STEWARD]).exclude(
        pk__in=[release.opened_by_id, caller.user.pk if caller.user else None]
    )
    return in_thread.filter(
        pk__gt=submitted.values("pk")[:1], kind__in=SPOKEN, author__in=reviewers
    )
