"""Who received what an advisory is about, and who of them is told, once each, by mail and on a page."""

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import callers, languages
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Role, User
from registry.agreements.models import Acceptance, Adherence
from registry.audit import access, log
from registry.audit.access import Got
from registry.audit.models import Entry
from registry.errors import Missing, NotNow, SignInRequired
from registry.outbox import mail
from registry.releases import advisories, descendants
from registry.releases.models import (
    Advisory,
    AdvisoryKind,
    AdvisoryNotice,
    Recipient,
    Release,
    TermsChange,
)

BATCH = 100
# What was begun before an advisory is in the log, and those who did it are told, by then
SETTLED = timedelta(minutes=10)
TOLD = "advisory.tell"
SUBJECTS = {
    AdvisoryKind.SUSPENSION: gettext_noop("Suspended: %(what)s"),
    AdvisoryKind.RECALL: gettext_noop("Recalled: %(what)s"),
    AdvisoryKind.RESTORATION: gettext_noop("Restored: %(what)s"),
    AdvisoryKind.NOTICE: gettext_noop("Notice: %(what)s"),
}
WHY = {
    Recipient.ACCEPTED: gettext_noop("You are told because you accepted its terms."),
    Recipient.DOWNLOADED: gettext_noop("You are told because you downloaded it."),
    Recipient.DERIVED: gettext_noop("You are told because you publish a model that comes from it."),
}


@dataclass(frozen=True)
class Received:
    """That somebody received what an advisory is about: when they accepted its terms, and when they
    downloaded of it first and last. `user` is a public id."""

    user: str
    accepted_at: datetime | None = None
    first_at: datetime | None = None
    last_at: datetime | None = None


@dataclass(frozen=True)
class Progress:
    """How many received it, were told and said that they read it; and how often it was downloaded
    by nobody who is known."""

    received: int
    told: int
    acknowledged: int
    unknown: int
    is_told: bool


def of(advisory: Advisory) -> list[Received]:
    """Everybody who accepted terms under which one of these releases was out, or got bytes of it."""
    return _received(advisory, _got(advisory))


def _received(advisory: Advisory, got: dict[str, Got]) -> list[Received]:
    found = {key: Received(key, accepted_at=at) for key, at in _accepted(advisory).items()}
    for key, one in got.items():
        if key:
            found[key] = replace(
                found.get(key, Received(key)), first_at=one.first, last_at=one.last
            )
    return [found[key] for key in sorted(found)]


def _accepted(advisory: Advisory) -> dict[str, datetime]:
    found = _acceptances(advisory)
    first = dict(
        found.values("user__public_id")
        .annotate(first=Min("accepted_at"))
        .values_list("user__public_id", "first")
        .order_by()
    )
    joined = Adherence.objects.filter(acceptance__in=found)
    for key, at in joined.values_list("user__public_id", "at"):
        first[key] = min(first.get(key, at), at)
    return first


def _acceptances(advisory: Advisory) -> QuerySet[Acceptance]:
    """Of terms under which one of the releases was out at some time."""
    releases = _releases(advisory)
    hashes = {one.terms_hash for one in releases}
    for change in TermsChange.objects.filter(release__in=releases):
        hashes |= {change.terms_hash, *change.counts}
    return Acceptance.objects.filter(repository=advisory.repository_id, terms_hash__in=hashes)


def _releases(advisory: Advisory) -> list[Release]:
    return list(Release.objects.filter(advised__advisory=advisory).select_related("revision"))


def _got(advisory: Advisory) -> dict[str, Got]:
    releases = _releases(advisory)
    return access.got(
        advisory.repository.public_id,
        revisions=[one.revision.oid for one in releases],
        digests=[one.digest for one in releases],
    )


def progress(advisory: Advisory) -> Progress:
    """How far telling them has come."""
    got = _got(advisory)
    counts = advisory.notices.aggregate(
        told=Count("pk"), read=Count("pk", filter=Q(acknowledged_at__isnull=False))
    )
    return Progress(
        received=len(_received(advisory, got)),
        told=counts["told"],
        acknowledged=counts["read"],
        unknown=got[""].times if "" in got else 0,
        is_told=_is_told(advisory),
    )


def due(now: datetime) -> list[Advisory]:
    """The advisories of which somebody may still have to be told, the oldest first."""
    told = Entry.objects.filter(event=TOLD, subject_type="advisory").values("subject")
    waiting = Advisory.objects.exclude(public_id__in=told).filter(at__lte=now)
    return list(waiting.select_related(*advisories.RELATED).order_by("pk"))


def _is_told(advisory: Advisory) -> bool:
    done = Entry.objects.filter(event=TOLD, subject_type="advisory", subject=advisory.public_id)
    return done.exists()


def tell(advisory: Advisory, *, now: datetime | None = None) -> int:
    """Tell everybody whom it concerns and who was not told yet, some people a transaction. Once all
    that was begun before the advisory is in the log, that is noted, and there is no more to do."""
    now = now or timezone.now()
    concerned = _concerned(advisory)
    told = set(advisory.notices.values_list("user", flat=True))
    keys, count = sorted(concerned.keys() - told), 0
    for start in range(0, len(keys), BATCH):
        count += _tell_some(advisory, keys[start : start + BATCH], concerned, now)
    if now - advisory.at >= SETTLED:
        _note_told(advisory)
    return count


@transaction.atomic
def _note_told(advisory: Advisory) -> None:
    Advisory.objects.select_for_update(no_key=True).get(pk=advisory.pk)
    if not _is_told(advisory):
        log.record(TOLD, actor="", subject=advisory, people=advisory.notices.count())


def _concerned(advisory: Advisory) -> dict[int, str]:
    """Who is told, by key, and why. For programs those are who look after them."""
    reasons: dict[str, str] = {}
    for one in of(advisory):
        reasons[one.user] = Recipient.DOWNLOADED if one.first_at else Recipient.ACCEPTED
    found: dict[int, str] = {}
    programs: dict[int, str] = {}
    for user in User.objects.filter(public_id__in=reasons, is_active=True):
        (programs if user.is_service else found)[user.pk] = reasons[user.public_id]
    for person, program in _who_look_after(programs):
        found.setdefault(person, programs[program])
    for person in _signing_admins(advisory):
        found.setdefault(person, Recipient.ACCEPTED)
    below = descendants.of(advisory.repository)
    for key in descendants.owners(below).values_list("pk", flat=True):
        found.setdefault(key, Recipient.DERIVED)
    return found


def _who_look_after(programs: dict[int, str]) -> list[tuple[int, int]]:
    """The admins of the organisations that service accounts are members of."""
    places: dict[int, list[int]] = defaultdict(list)
    members = Membership.objects.filter(user__in=list(programs))
    for namespace, program in members.values_list("namespace", "user"):
        places[namespace].append(program)
    admins = Membership.objects.filter(
        namespace__in=places, role=Role.ADMIN, user__is_service=False, user__is_active=True
    ).values_list("namespace", "user")
    return [(person, program) for place, person in admins for program in places[place]]


def _signing_admins(advisory: Advisory) -> QuerySet[Membership, int]:
    """The admins of organisations for which the terms were accepted."""
    signed = _acceptances(advisory).exclude(organisation=None).values("organisation")
    admins = Membership.objects.filter(namespace__in=signed, role=Role.ADMIN)
    return admins.filter(user__is_service=False, user__is_active=True).values_list(
        "user", flat=True
    )


@transaction.atomic
def _tell_some(advisory: Advisory, keys: list[int], reasons: dict[int, str], now: datetime) -> int:
    """One batch. The advisory is locked, so that a sweep beside this one waits and sees it told."""
    Advisory.objects.select_for_update(no_key=True).get(pk=advisory.pk)
    done = AdvisoryNotice.objects.filter(advisory=advisory, user__in=keys).values("user")
    people = User.objects.filter(pk__in=keys, is_active=True).exclude(pk__in=done)
    told = 0
    for person in people.order_by("pk"):
        because = reasons[person.pk]
        if because == Recipient.DERIVED and not _knows(advisory, person):
            continue  # a card may name what its author may not know of
        AdvisoryNotice.objects.create(advisory=advisory, user=person, because=because, at=now)
        if person.email:
            _queue(advisory, person, because)
        told += 1
    return told


def _knows(advisory: Advisory, person: User) -> bool:
    return Advisory.objects.visible_to(callers.of_session(person)).filter(pk=advisory.pk).exists()


def _queue(advisory: Advisory, person: User, because: str) -> None:
    name = advisories.name_for(advisory, callers.of_session(person))
    versions = ", ".join(
        one.release.version for one in advisory.scope.select_related("release").order_by("pk")
    )
    what = f"{name} {versions}"
    with languages.speaking_to(person):
        subject = _(SUBJECTS[AdvisoryKind(advisory.kind)]) % {"what": what}
        facts = [
            _("%(what)s: %(kind)s.") % {"what": what, "kind": _(advisory.get_kind_display())},
            "",
            _("Severity: %(severity)s") % {"severity": _(advisory.get_severity_display())},
            _("About: %(category)s") % {"category": _(advisory.get_category_display())},
            f"\n{advisory.reason}\n",
            " ".join([_(WHY[Recipient(because)]), _("Please say there that you read it:")]),
            f"{settings.SITE_URL}{advisory.get_absolute_url()}\n",
        ]
        mail.queue(to=person.email, subject=subject[:200], text="\n".join(facts))


def notice_of(advisory: Advisory, caller: Caller) -> AdvisoryNotice | None:
    """That the caller was told of it."""
    if caller.user is None:
        return None
    return AdvisoryNotice.objects.filter(advisory=advisory, user=caller.user).first()


def unread(caller: Caller) -> QuerySet[AdvisoryNotice]:
    """What the caller was told of and did not acknowledge yet, the newest first."""
    if caller.user is None:
        return AdvisoryNotice.objects.none()
    found = AdvisoryNotice.objects.filter(user=caller.user, acknowledged_at=None)
    return found.select_related("advisory__repository__namespace").order_by("-pk")


@transaction.atomic
def acknowledge(advisory: Advisory, *, by: Caller, now: datetime | None = None) -> AdvisoryNotice:
    """Say that one read it. Said once; whoever says it again changes nothing."""
    if by.user is None:
        raise SignInRequired(_("Sign in to say that you read it."))
    notice = (
        AdvisoryNotice.objects.select_for_update(no_key=True)
        .filter(advisory=advisory, user=by.user)
        .first()
    )
    if notice is None:
        raise NotNow(_("Only those say that they read it who were told of it."))
    if notice.acknowledged_at is None:
        notice.acknowledged_at = max(now or timezone.now(), notice.at)
        notice.save(update_fields=["acknowledged_at"])
        log.record("advisory.acknowledge", actor=by.public_id, subject=advisory)
    return notice


def require_to_see(advisory: Advisory, caller: Caller) -> None:
    """Who received something is for site maintainers alone."""
    seen = Advisory.objects.visible_to(caller).filter(pk=advisory.pk).exists()
    if not (caller.is_maintainer and caller.can_administer and seen):
        raise Missing(_("There is no such list, or it is not for you."))


def names_shown_to(caller: Caller) -> bool:
    """Whether those who received something are named, beside their ids."""
    return caller.is_steward and caller.can_administer


COLUMNS = ["user", "name", "accepted_at", "first_download", "last_download", "told", "acknowledged"]


def rows(advisory: Advisory, *, by: Caller) -> list[dict[str, str]]:
    """Who received it, told or not, as a table. Names for stewards."""
    require_to_see(advisory, by)
    notices = {one.user.public_id: one for one in advisory.notices.select_related("user")}
    received = {one.user: one for one in of(advisory)}
    keys = sorted(received.keys() | notices.keys())
    names = {}
    if names_shown_to(by):
        found = User.objects.filter(public_id__in=keys)
        names = dict(found.values_list("public_id", "username"))
    return [
        _row(key, names.get(key, ""), received.get(key, Received(key)), notices.get(key))
        for key in keys
    ]


def _row(key: str, name: str, got: Received, notice: AdvisoryNotice | None) -> dict[str, str]:
    values = [
        key,
        name,
        got.accepted_at,
        got.first_at,
        got.last_at,
        notice.at if notice else None,
        notice.acknowledged_at if notice else None,
    ]
    texts = [
        one.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(one, datetime) else one or ""
        for one in values
    ]
    return dict(zip(COLUMNS, texts, strict=True))


def export(advisory: Advisory, *, by: Caller) -> list[dict[str, str]]:
    """The same to take away, which the audit log keeps."""
    found = rows(advisory, by=by)
    log.record("advisory.export", actor=by.public_id, subject=advisory, rows=len(found))
    return found
