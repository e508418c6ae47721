"""Reports of the public: private cases, who may say and do what in them, and how they end."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, SiteRole, User
from registry.accounts.permissions import Permission
from registry.agreements import steps as turns_of_people
from registry.audit import log
from registry.catalog import facts
from registry.catalog.models import Repository
from registry.errors import (
    Conflict,
    Invalid,
    Missing,
    NotAllowed,
    NotNow,
    RegistryError,
    SignInRequired,
    TooMany,
)
from registry.releases import case_mails
from registry.releases.models import (
    WAS_RELEASED,
    Appeal,
    Outcome,
    Release,
    Report,
    ReportAnswer,
    ReportMessage,
    ReportState,
)

MAX_TEXT = 20_000
MAX_PATH = 1000
# Of one person at a time: whoever has more to say is asked to wait for the answers
MOST_OPEN = 20
RELATED = ["repository__namespace", "release", "reporter", "handler"]
OWN = {
    "rights": "A right of mine or of others: copyright, trade mark, likeness",
    "license": "License or terms are not kept",
    "privacy": "Personal data",
    "security": "Harmful code, or something that endangers systems",
    "other": "Something else",
}
OPEN_STATES = [ReportState.OPEN, ReportState.APPEALED]


@dataclass(frozen=True)
class Statement:
    """What an answer says: what was found, on what ground, and what is done."""

    outcome: str
    facts: str
    ground: str
    measure: str


@cache
def categories() -> dict[str, str]:
    """What something can be reported for, in words: what acceptable-use policies forbid, and what
    stands beside that."""
    known = facts.read()["acceptable_use_categories"]
    return {str(one["id"]): str(one["description"]) for one in known} | OWN


@transaction.atomic
def open_case(
    repository: Repository,
    *,
    category: str,
    text: str,
    by: Caller,
    version: str = "",
    path: str = "",
    now: datetime | None = None,
) -> Report:
    """Report a repository that the caller may know of, or a release or a file of it."""
    person, now = _person(by, _("report something")), now or timezone.now()
    if category not in categories():
        raise Invalid(_("Choose what the report is about."))
    text = _words(text, _("Say what is wrong, and where it can be seen."))
    if len(path) > MAX_PATH:
        raise Invalid(_("The path is longer than %(most)s characters.") % {"most": MAX_PATH})
    turns_of_people.take_own_turn(person)
    if Report.objects.filter(reporter=person, state__in=OPEN_STATES).count() >= MOST_OPEN:
        raise TooMany(
            _("You have %(most)s reports that wait for an answer. Wait for those first.")
            % {"most": MOST_OPEN},
            seconds=86_400,
        )
    try:
        with transaction.atomic():
            report = Report.objects.create(
                repository=repository,
                release=_release(repository, version),
                path=path,
                category=category,
                text=text,
                reporter=person,
                opened_at=now,
                due_at=now + timedelta(days=settings.REPORT_DUE_DAYS),
            )
    except IntegrityError as error:
        raise Conflict(
            _("You have reported this for the same reason already. Add to that report instead.")
        ) from error
    case_mails.opened(report)
    log.record("report.open", actor=by.public_id, subject=report, category=category)
    return report


@transaction.atomic
def say(
    report: Report, *, text: str, by: Caller, is_internal: bool = False, now: datetime | None = None
) -> ReportMessage:
    """Add to a case: the reporter, or a maintainer to the reporter or to other maintainers."""
    person = _person(by, _("write in a case"))
    text = _words(text, "Write something.")
    report = _locked(report)
    works = _handles(report, by)
    if not works and (report.reporter_id != person.pk or is_internal):
        raise NotAllowed(_("Only the reporter and site maintainers write in a case."))
    if report.state == ReportState.CLOSED:
        raise NotNow(_("This case is closed."))
    message = ReportMessage.objects.create(
        report=report, by=person, text=text, is_internal=is_internal, at=now or timezone.now()
    )
    if works and not is_internal and report.reporter_id != person.pk:
        case_mails.asked(report)
    log.record("report.say", actor=by.public_id, subject=report, internal=is_internal)
    return message


@transaction.atomic
def claim(report: Report, *, by: Caller, handler: User | None = None) -> Report:
    """Take a case, or hand it to another maintainer."""
    person = _person(by, _("take a case"))
    report = _locked(report)
    if error := refusal("claim", report, by):
        raise error
    wanted = handler or person
    if error := _unfit(report, wanted):
        raise error
    report.handler = wanted
    report.save(update_fields=["handler"])
    log.record("report.claim", actor=by.public_id, subject=report, handler=wanted.public_id)
    return report


@transaction.atomic
def answer(
    report: Report, *, statement: Statement, by: Caller, now: datetime | None = None
) -> ReportAnswer:
    """Give the statement of reasons, to the report or to its appeal. The reporter is told; so is
    the publisher where something is done, without who reported it."""
    person, now = _person(by, _("answer a report")), now or timezone.now()
    report = _locked(report)
    if error := refusal("answer", report, by):
        raise error
    if statement.outcome not in Outcome.values:
        raise Invalid(_("Say whether the report is upheld, upheld in part or dismissed."))
    given = ReportAnswer.objects.create(
        report=report,
        is_of_appeal=report.state == ReportState.APPEALED,
        outcome=statement.outcome,
        facts=_words(statement.facts, _("Say what was found.")),
        ground=_words(statement.ground, _("Say on what ground: the rule or the law, and where.")),
        measure=_words(statement.measure, _("Say what is done, if only that nothing is.")),
        by=person,
        at=now,
    )
    report.state = ReportState.CLOSED if given.is_of_appeal else ReportState.ANSWERED
    report.closed_at = now if given.is_of_appeal else None
    report.handler = person
    report.save(update_fields=["state", "closed_at", "handler"])
    case_mails.answered(given, told_publisher=is_for_publisher(report))
    log.record(
        "report.answer",
        actor=by.public_id,
        subject=report,
        answer=given.public_id,
        outcome=given.outcome,
        appeal=given.is_of_appeal,
    )
    return given


@transaction.atomic
def appeal(report: Report, *, text: str, by: Caller, now: datetime | None = None) -> Appeal:
    """Ask that somebody else looks at it again: the reporter, or the publisher where something was
    done. Once for a case."""
    person, now = _person(by, _("appeal")), now or timezone.now()
    text = _words(text, _("Say why another look is needed."))
    report = _locked(report)
    if error := refusal("appeal", report, by, now=now):
        raise error
    made = Appeal.objects.create(report=report, by=person, text=text, at=now)
    report.state = ReportState.APPEALED
    report.handler = None
    report.due_at = now + timedelta(days=settings.REPORT_DUE_DAYS)
    report.save(update_fields=["state", "handler", "due_at"])
    case_mails.appealed(made)
    log.record("report.appeal", actor=by.public_id, subject=report)
    return made


def refusal(
    step: str, report: Report, by: Caller, *, now: datetime | None = None
) -> RegistryError | None:
    """Why this caller cannot claim, answer or appeal now, or None. Buttons and steps ask the same
    question."""
    if by.user is None:
        return SignInRequired(_("Sign in first."))
    if step == "appeal":
        return _unappealable(report, by, now or timezone.now())
    if not _handles(report, by):
        return NotAllowed(_("Only site maintainers work on a case."))
    if report.state not in OPEN_STATES:
        return NotNow(_("This case is answered; nobody has appealed."))
    return _unfit(report, by.user)


def _unfit(report: Report, person: User) -> RegistryError | None:
    """Why this maintainer cannot be the one to decide."""
    if person.site_role not in {SiteRole.MAINTAINER, SiteRole.STEWARD} or not person.is_active:
        return Invalid(
            _("%(person)s is not a maintainer of this site.") % {"person": person.username}
        )
    if report.reporter_id == person.pk:
        return NotAllowed(_("You reported this, so another maintainer has to answer it."))
    if _is_of(person, report.repository) or _offered(person, report):
        return NotAllowed(_("This is about work of yours, so another maintainer has to answer it."))
    if report.answers.filter(by=person).exists():
        return NotAllowed(
            _("You gave the first answer, so somebody else has to answer the appeal.")
        )
    return None


def _is_of(person: User, repository: Repository) -> bool:
    there = repository.namespace_id
    is_member = Membership.objects.filter(user=person, namespace=there).exists()
    return person.namespace_id == there or is_member


def _offered(person: User, report: Report) -> bool:
    found = Release.objects.filter(repository=report.repository_id, opened_by=person)
    return found.exists()


def _unappealable(report: Report, by: Caller, now: datetime) -> RegistryError | None:
    if report.reporter_id != by.user.pk and not is_publisher(report, by):  # type: ignore[union-attr]
        return NotAllowed(_("Only the reporter and the publisher can appeal."))
    if report.state != ReportState.ANSWERED:
        return NotNow(_("Only the first answer can be appealed, and only once."))
    first = report.answers.get(is_of_appeal=False)
    if now >= first.at + timedelta(days=settings.REPORT_APPEAL_DAYS):
        return NotNow(_("The time for an appeal is over."))
    return None


def is_for_publisher(report: Report) -> bool:
    """Whether something was ever decided against the publisher, who then has to hear of it."""
    return report.answers.exclude(outcome=Outcome.DISMISSED).exists()


def is_publisher(report: Report, caller: Caller) -> bool:
    """Whether the caller administers the namespace, of a case that the publisher was told of."""
    there = report.repository.namespace
    return is_for_publisher(report) and permissions.may(caller, Permission.ADMIN, there)


def find(public_id: str, *, caller: Caller) -> Report:
    """A case, for its reporter and for maintainers whom it does not concern."""
    seen = Report.objects.visible_to(caller).select_related(*RELATED)
    report = seen.filter(public_id=public_id).first()
    if report is None:
        raise Missing(_("There is no such report."))
    return report


def find_statement(public_id: str, *, caller: Caller) -> ReportAnswer:
    """An answer, for whom it is given: those who see the case, and the publisher."""
    answers = ReportAnswer.objects.select_related(
        "report__repository__namespace", "report__release"
    )
    found = answers.filter(public_id=public_id).first()
    if found is not None and not caller.token:
        seen = Report.objects.visible_to(caller).filter(pk=found.report_id).exists()
        if seen or is_publisher(found.report, caller):
            return found
    raise Missing(_("There is no such statement."))


def listed(caller: Caller, *, state: str = "", category: str = "") -> QuerySet[Report]:
    """The cases that the caller may see: those that wait first, by when they are due."""
    found = Report.objects.visible_to(caller).select_related(*RELATED)
    if state == "waiting":
        found = found.filter(state__in=OPEN_STATES)
    elif state == "overdue":
        found = found.filter(state__in=OPEN_STATES, due_at__lt=timezone.now())
    elif state == "mine" and caller.user is not None:
        found = found.filter(handler=caller.user)
    elif state in ReportState.values:
        found = found.filter(state=state)
    if category in categories():
        found = found.filter(category=category)
    is_waiting = Q(state__in=OPEN_STATES)
    return found.annotate(waits=is_waiting).order_by(F("waits").desc(), "due_at", "-pk")


def names_for(reports: Iterable[Report], caller: Caller) -> dict[int, str]:
    """What the repositories of these are called for this caller, by key: by id those that are out
    of their sight by now, which may be called otherwise since."""
    found = {one.repository_id: one.repository for one in reports}
    seen = Repository.objects.visible_to(caller).filter(pk__in=found)
    known = set(seen.values_list("pk", flat=True))
    return {
        key: there.full_name if key in known else there.public_id for key, there in found.items()
    }


def waiting(caller: Caller) -> int:
    """How many cases wait for a maintainer such as this one."""
    if not caller.is_maintainer:
        return 0
    found = Report.objects.visible_to(caller).filter(state__in=OPEN_STATES)
    return found.exclude(reporter=caller.user).count()


def messages_for(report: Report, caller: Caller) -> QuerySet[ReportMessage]:
    """What was said, without what maintainers say among themselves for who is none of them here."""
    found = report.messages.select_related("by")
    return found if _handles(report, caller) else found.filter(is_internal=False)


def handles(report: Report, caller: Caller) -> bool:
    """Whether the caller is a maintainer in this case, and not somebody whom it concerns."""
    return _handles(report, caller)


@transaction.atomic
def close_settled(now: datetime) -> int:
    """Close what was answered and not appealed in time."""
    over = now - timedelta(days=settings.REPORT_APPEAL_DAYS)
    settled = Report.objects.filter(
        state=ReportState.ANSWERED, answers__is_of_appeal=False, answers__at__lte=over
    )
    locked = Report.objects.select_for_update(no_key=True, skip_locked=True).filter(
        pk__in=settled.values("pk"), state=ReportState.ANSWERED
    )
    closed = list(locked.order_by("pk")[:100])
    for report in closed:
        report.state, report.closed_at = ReportState.CLOSED, now
        report.save(update_fields=["state", "closed_at"])
    for report in closed:
        log.record("report.close", actor="", subject=report)
    return len(closed)


def _handles(report: Report, caller: Caller) -> bool:
    is_theirs = Report.objects.visible_to(caller).filter(pk=report.pk).exists()
    mine = caller.user is not None and report.reporter_id == caller.user.pk
    return caller.is_maintainer and caller.can_administer and is_theirs and not mine


def _person(by: Caller, what: str) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to %(what)s.") % {"what": what})
    if by.token or by.user.is_service:
        raise NotAllowed(_("Cases are worked on in a browser, by people."))
    return by.user


def _words(text: str, why: str) -> str:
    words = text.replace("\0", "").strip()
    if not words:
        raise Invalid(why)
    if len(words) > MAX_TEXT:
        raise Invalid(_("This is longer than %(most)s characters.") % {"most": MAX_TEXT})
    return words


def _release(repository: Repository, version: str) -> Release | None:
    if not version:
        return None
    found = Release.objects.filter(
        repository=repository, version=version, status__in=WAS_RELEASED
    ).first()
    if found is None:
        raise Invalid(_("There is no such release of this repository."))
    return found


def _locked(report: Report) -> Report:
    """The case as it is once nobody else can change it."""
    Report.objects.select_for_update(no_key=True).get(pk=report.pk)
    return Report.objects.select_related(*RELATED).get(pk=report.pk)
