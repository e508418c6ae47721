"""Whom the steps of a case tell, and what: plain mails with one link, none of which tells the
publisher who reported."""

from django.conf import settings
from django.db.models import QuerySet

from registry.accounts import callers
from registry.accounts.models import Membership, SiteRole, User
from registry.catalog.models import Repository
from registry.outbox import mail
from registry.releases import deciders, descendants
from registry.releases.models import Appeal, Report, ReportAnswer


def opened(report: Report) -> None:
    """A report came in: the reporter has it in writing, and maintainers have work."""
    _write(
        report.reporter,
        f"Your report of {_name(report)}",
        "We have your report and answer it by "
        f"{report.due_at:%-d %B %Y}. The publisher does not learn who reported.",
        _case(report),
    )
    _tell_maintainers(report, f"Reported: {report.repository.full_name}", "A report came in.")


def asked(report: Report) -> None:
    """A maintainer wrote to the reporter."""
    _write(
        report.reporter,
        f"About your report of {_name(report)}",
        "A maintainer wrote to you about your report.",
        _case(report),
    )


def answered(answer: ReportAnswer, *, told_publisher: bool) -> None:
    """The statement of reasons, to the reporter, and to the publisher where it concerns them."""
    report = answer.report
    name = report.repository.full_name
    subject = f"Answer to your report of {_name(report)}"
    _write(report.reporter, subject, _statement(answer, for_publisher=False), _case(report))
    if not told_publisher:
        return
    statement = _statement(answer, for_publisher=True)
    about = f"{name} was reported. Who reported it is not told.\n\n{statement}"
    for person in _publishers(report).exclude(pk=report.reporter_id):
        link = f"/reports/statements/{answer.public_id}"
        _write(person, f"A decision about {name}", about, link)


def appealed(appeal: Appeal) -> None:
    """Somebody asks for another look: maintainers have work, and the reporter knows."""
    report = appeal.report
    name = report.repository.full_name
    text = "The answer to a report was appealed."
    again = "Somebody else looks at it again."
    if not deciders.has_any(report):
        text += (
            " Nobody on this site may answer it now: have its operator add another maintainer, with "
            "`manage.py user role` or `user add`. Until then it waits."
        )
        again = "Nobody on this site may answer that now. It waits until there is somebody."
    _tell_maintainers(report, f"Appealed: {name}", text)
    if appeal.by_id != report.reporter_id:
        _write(
            report.reporter,
            f"Your report of {_name(report)}",
            f"The publisher appealed the answer. {again}",
            _case(report),
        )


def _name(report: Report) -> str:
    """The repository as its reporter may hear of it: by id where it is out of their sight by now."""
    seen = Repository.objects.visible_to(callers.of_session(report.reporter))
    is_known = seen.filter(pk=report.repository_id).exists()
    return report.repository.full_name if is_known else report.repository.public_id


def _statement(answer: ReportAnswer, *, for_publisher: bool) -> str:
    final = "You can appeal; somebody else then looks at it again."
    if answer.is_of_appeal:
        final = "This is the answer to the appeal, and final here."
    elif not deciders.has_any(answer.report, for_publisher=for_publisher):
        final = f"You can appeal. {deciders.NOBODY_YET}"
    return (
        f"Decision: {answer.get_outcome_display()}.\n\nFacts: {answer.facts}\n\n"
        f"Ground: {answer.ground}\n\nMeasure: {answer.measure}\n\n{final}"
    )


def _publishers(report: Report) -> QuerySet[User]:
    return descendants.owners([report.repository])


def _tell_maintainers(report: Report, subject: str, text: str) -> None:
    place = report.repository.namespace_id
    members = Membership.objects.filter(namespace=place).values("user")
    people = User.objects.filter(
        site_role__in=[SiteRole.MAINTAINER, SiteRole.STEWARD], is_active=True
    ).exclude(namespace=place)
    others = people.exclude(pk__in=members).exclude(pk=report.reporter_id)
    for person in others.order_by("pk"):
        _write(person, subject, f"{text} It is due by {report.due_at:%-d %B %Y}.", _case(report))


def _case(report: Report) -> str:
    return report.get_absolute_url()


def _write(person: User, subject: str, text: str, link: str) -> None:
    if person.email and person.is_active:
        body = f"{text}\n\n{settings.SITE_URL}{link}\n"
        mail.queue(to=person.email, subject=subject[:200], text=body)
