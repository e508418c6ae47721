"""Whom the steps of a case tell, and what: plain mails with one link, none of which tells the
publisher who reported."""

from collections.abc import Callable

from django.conf import settings
from django.db.models import QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.accounts import callers, languages
from registry.accounts.models import Membership, SiteRole, User
from registry.catalog.models import Repository
from registry.outbox import mail
from registry.releases import deciders, descendants
from registry.releases.models import Appeal, Report, ReportAnswer

YOURS = gettext_lazy("Your report of %(name)s")


def opened(report: Report) -> None:
    """A report came in: the reporter has it in writing, and maintainers have work."""
    taken = gettext_lazy(
        "We have your report and answer it by %(day)s. The publisher does not learn who reported."
    )
    _to_reporter(report, YOURS, lambda: taken % {"day": languages.day(report.due_at)})
    _tell_maintainers(
        report, gettext_lazy("Reported: %(name)s"), [gettext_lazy("A report came in.")]
    )


def asked(report: Report) -> None:
    """A maintainer wrote to the reporter."""
    _to_reporter(
        report,
        gettext_lazy("About your report of %(name)s"),
        lambda: _("A maintainer wrote to you about your report."),
    )


def answered(answer: ReportAnswer, *, told_publisher: bool) -> None:
    """The statement of reasons, to the reporter, and to the publisher where it concerns them."""
    report = answer.report
    _to_reporter(
        report,
        gettext_lazy("Answer to your report of %(name)s"),
        lambda: _statement(answer, for_publisher=False),
    )
    if not told_publisher:
        return
    for person in _publishers(report).exclude(pk=report.reporter_id):
        _write(
            person,
            lambda: _to_publisher(answer),
            f"/reports/statements/{answer.public_id}",
        )


def appealed(appeal: Appeal) -> None:
    """Somebody asks for another look: maintainers have work, and the reporter knows."""
    report = appeal.report
    text: list[Promise] = [gettext_lazy("The answer to a report was appealed.")]
    again = gettext_lazy("The publisher appealed the answer. Somebody else looks at it again.")
    if not deciders.has_any(report):
        text.append(
            gettext_lazy(
                "Nobody on this site may answer it now: have its operator add another maintainer, "
                "with `manage.py user role` or `user add`. Until then it waits."
            )
        )
        again = gettext_lazy(
            "The publisher appealed the answer. Nobody on this site may answer that now. It waits "
            "until there is somebody."
        )
    _tell_maintainers(report, gettext_lazy("Appealed: %(name)s"), text)
    if appeal.by_id != report.reporter_id:
        _to_reporter(report, YOURS, lambda: str(again))


def _name(report: Report) -> str:
    """The repository as its reporter may hear of it: by id where it is out of their sight by now."""
    seen = Repository.objects.visible_to(callers.of_session(report.reporter))
    is_known = seen.filter(pk=report.repository_id).exists()
    return report.repository.full_name if is_known else report.repository.public_id


def _to_publisher(answer: ReportAnswer) -> tuple[str, str]:
    words = {"name": answer.report.repository.full_name}
    about = _("%(name)s was reported. Who reported it is not told.") % words
    statement = _statement(answer, for_publisher=True)
    return _("A decision about %(name)s") % words, f"{about}\n\n{statement}"


def _statement(answer: ReportAnswer, *, for_publisher: bool) -> str:
    final = _("You can appeal; somebody else then looks at it again.")
    if answer.is_of_appeal:
        final = _("This is the answer to the appeal, and final here.")
    elif not deciders.has_any(answer.report, for_publisher=for_publisher):
        final = " ".join([_("You can appeal."), _(deciders.NOBODY_YET)])
    parts = [
        _("Decision: %(outcome)s.") % {"outcome": _(answer.get_outcome_display())},
        _("Facts: %(facts)s") % {"facts": answer.facts},
        _("Ground: %(ground)s") % {"ground": answer.ground},
        _("Measure: %(measure)s") % {"measure": answer.measure},
        final,
    ]
    return "\n\n".join(parts)


def _publishers(report: Report) -> QuerySet[User]:
    return descendants.owners([report.repository])


def _tell_maintainers(report: Report, subject: Promise, text: list[Promise]) -> None:
    place = report.repository.namespace_id
    members = Membership.objects.filter(namespace=place).values("user")
    people = User.objects.filter(
        site_role__in=[SiteRole.MAINTAINER, SiteRole.STEWARD], is_active=True
    ).exclude(namespace=place)
    others = people.exclude(pk__in=members).exclude(pk=report.reporter_id)

    def write() -> tuple[str, str]:
        due = _("It is due by %(day)s.") % {"day": languages.day(report.due_at)}
        named = str(subject) % {"name": report.repository.full_name}
        return named, " ".join([*(str(one) for one in text), due])

    for person in others.order_by("pk"):
        _write(person, write, _case(report))


def _to_reporter(report: Report, subject: Promise, text: Callable[[], str]) -> None:
    name = _name(report)
    _write(report.reporter, lambda: (str(subject) % {"name": name}, text()), _case(report))


def _case(report: Report) -> str:
    return report.get_absolute_url()


def _write(person: User, write: Callable[[], tuple[str, str]], link: str) -> None:
    """A mail whose subject and text are written in the person's language."""
    if not (person.email and person.is_active):
        return
    with languages.speaking_to(person):
        subject, text = write()
    body = f"{text}\n\n{settings.SITE_URL}{link}\n"
    mail.queue(to=person.email, subject=subject[:200], text=body)
