"""Whether a site has somebody who may decide a case: it may have too few people for that, and then
says so, instead of promising an answer. `cases` asks the same of each person who wants to decide."""

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.accounts.models import Membership, SiteRole, User
from registry.releases.models import Release, Report, ReportAnswer, ReportState

NOBODY_YET = gettext_noop(
    "At present this site has nobody who may answer an appeal, because whoever decided may not. An "
    "appeal is kept, and waits until the operator of the site adds another maintainer."
)


def has_any(report: Report, *, for_publisher: bool = False) -> bool:
    """Whether somebody may decide it. Publishers are told as if the reporter was anybody else: that
    a maintainer cannot decide must not tell them who reported."""
    return Report.objects.filter(Exists(_fit(for_publisher)), pk=report.pk).exists()


def stuck(caller: Caller) -> QuerySet[Report]:
    """What waits and can be decided by nobody, as far as the caller may know, the oldest first."""
    waiting = [ReportState.OPEN, ReportState.APPEALED]
    seen = Report.objects.visible_to(caller).filter(state__in=waiting)
    return seen.exclude(Exists(_fit(False))).order_by("pk")


def _fit(for_publisher: bool) -> QuerySet[User]:
    place = OuterRef(OuterRef("repository__namespace"))
    people = User.objects.filter(
        ~Exists(Membership.objects.filter(user=OuterRef("pk"), namespace=place)),
        ~Exists(
            Release.objects.filter(
                opened_by=OuterRef("pk"), repository=OuterRef(OuterRef("repository"))
            )
        ),
        ~Exists(ReportAnswer.objects.filter(by=OuterRef("pk"), report=OuterRef(OuterRef("pk")))),
        site_role__in=[SiteRole.MAINTAINER, SiteRole.STEWARD],
        is_active=True,
    ).exclude(namespace=OuterRef("repository__namespace"))
    return people if for_publisher else people.exclude(pk=OuterRef("reporter"))
