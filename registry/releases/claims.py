"""Who works on a review, and until when. A claim tells others; it keeps nobody from deciding."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from registry.accounts import languages
from registry.accounts.callers import Caller
from registry.accounts.models import SiteRole, User
from registry.audit import log
from registry.errors import Conflict, NotAllowed, NotNow, SignInRequired
from registry.outbox import mail
from registry.releases import interests, steps
from registry.releases.models import Claim, Release, Status


def living(now: datetime) -> QuerySet[Claim]:
    """The claims that stand: those that have lapsed are simply no longer there."""
    return Claim.objects.filter(ended_at=None, expires_at__gt=now)


@transaction.atomic
def take(
    release: Release, *, by: Caller, reviewer: User | None = None, now: datetime | None = None
) -> Claim:
    """Have the caller, or the reviewer whom they name, work on a review from now on. Taken again,
    it begins anew. There are as many at once as approvals are needed."""
    now = now or timezone.now()
    giver = _require(by)
    reviewer = reviewer or giver
    release = _locked(release)
    if release.status != Status.IN_REVIEW:
        raise NotNow(
            _("The release is %(status)s; there is nothing to review.")
            % {"status": pgettext("state", Status(release.status).label)}
        )
    if error := _unfit(release, reviewer):
        raise error
    of_release = Claim.objects.filter(release=release, ended_at=None)
    of_release.filter(expires_at__lte=now).update(ended_at=F("expires_at"))
    others = of_release.exclude(reviewer=reviewer).select_related("reviewer")
    if len(others) >= steps.approvals_needed(release):
        names = ", ".join(one.reviewer.username for one in others)
        raise Conflict(
            _("%(names)s works on it already, until %(others)s.")
            % {"names": names, "others": languages.moment(others[0].expires_at)}
        )
    of_release.filter(reviewer=reviewer).update(ended_at=now)
    claim = Claim.objects.create(
        release=release,
        reviewer=reviewer,
        given_by=giver,
        at=now,
        expires_at=now + timedelta(hours=settings.REVIEW_CLAIM_HOURS),
    )
    if reviewer != giver:
        _tell(claim)
    log.record("release.claim", actor=by.public_id, subject=release, reviewer=reviewer.public_id)
    return claim


@transaction.atomic
def give_up(
    release: Release, *, by: Caller, reviewer: User | None = None, now: datetime | None = None
) -> None:
    """End the claim of the caller, or of somebody else: any maintainer may."""
    now = now or timezone.now()
    reviewer = reviewer or _require(by)
    _require(by)
    release = _locked(release)
    if not living(now).filter(release=release, reviewer=reviewer).update(ended_at=now):
        raise NotNow(_("Nobody of this name works on it."))
    log.record("release.unclaim", actor=by.public_id, subject=release, reviewer=reviewer.public_id)


def end(release: Release, *, now: datetime, reviewer: User | None = None) -> None:
    """End the claims on a release that is locked: all, or that of who is done."""
    claims = Claim.objects.filter(release=release, ended_at=None)
    claims.filter(expires_at__lte=now).update(ended_at=F("expires_at"))
    (claims.filter(reviewer=reviewer) if reviewer else claims).update(ended_at=now)


def reviewers() -> QuerySet[User]:
    """Everybody who may be given a review."""
    roles = [SiteRole.MAINTAINER, SiteRole.STEWARD]
    return User.objects.filter(site_role__in=roles, is_active=True).order_by("username")


def workload(now: datetime) -> QuerySet[User]:
    """Every reviewer, with `working_on`: how many reviews they hold."""
    held = Q(
        claims__ended_at=None,
        claims__expires_at__gt=now,
        claims__release__status=Status.IN_REVIEW,
    )
    return reviewers().annotate(working_on=Count("claims", filter=held))


def _require(by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to work on a review."))
    if not steps.reviews(by):
        raise NotAllowed(_("Only site maintainers work on reviews."))
    return by.user


def _unfit(release: Release, reviewer: User) -> NotAllowed | None:
    if not reviewers().filter(pk=reviewer.pk).exists():
        return NotAllowed(
            _("%(reviewer)s is no maintainer of the site.") % {"reviewer": reviewer.username}
        )
    stake = interests.Stake(release, reviewer)
    if stake.is_own_work:
        return NotAllowed(
            _("This is %(reviewer)s's own work. Somebody else has to decide.")
            % {"reviewer": reviewer.username}
        )
    return interests.refusal(stake)


def _locked(release: Release) -> Release:
    """The release as it is once nobody else claims it. Locked without joins: PostgreSQL drops a
    joined row that changed while it waited."""
    Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    return Release.objects.select_related("repository__namespace", "revision").get(pk=release.pk)


def _tell(claim: Claim) -> None:
    release = claim.release
    with languages.speaking_to(claim.reviewer):
        words = {
            "giver": claim.given_by.username,
            "release": f"{release.repository.full_name} {release.version}",
            "until": languages.moment(claim.expires_at),
            "due": languages.day(release.due_at),
        }
        text = _(
            "%(giver)s gave you the review of %(release)s. It is yours until %(until)s; the review "
            "is due %(due)s."
        )
        mail.queue(
            to=claim.reviewer.email,
            subject=_("A review for you: %(release)s") % words,
            text=f"{text % words}\n\n{settings.SITE_URL}{release.get_absolute_url()}\n",
        )
