"""What everybody is told about releases that went out: made with the act that it tells of, never
changed. What is wrong in one is said in another that follows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.audit import log
from registry.catalog import announcements, lineage
from registry.catalog.models import Repository, Revision, RevisionState
from registry.checks.models import CheckRun, RunState
from registry.errors import Invalid, Missing
from registry.releases.models import (
    WAS_RELEASED,
    Advisory,
    AdvisoryCategory,
    AdvisoryKind,
    AdvisoryNotice,
    AdvisoryScope,
    Release,
    Severity,
)

MAX_REASON = 10_000
MAX_SCOPE = 200
# The step of a release, and the kind of advisory that tells of it
KINDS = {
    "suspend": AdvisoryKind.SUSPENSION,
    "recall": AdvisoryKind.RECALL,
    "restore": AdvisoryKind.RESTORATION,
}
WITHDRAWING = [AdvisoryKind.SUSPENSION, AdvisoryKind.RECALL]
RELATED = ["repository__namespace", "by", "follows"]


@dataclass(frozen=True)
class Affecting:
    """An advisory on a model that another comes from. `how` is `declared` or `measured`."""

    advisory: Advisory
    ancestor: Repository
    how: str


def follow(
    step: str, release: Release, advisory: Advisory | None, *, by: User, reason: str
) -> Advisory | None:
    """Have an advisory tell of a step that a release just took: the one that is given, made for
    several releases at once, else one of its own. None where the step tells the outside nothing."""
    if step not in KINDS:
        return None
    if advisory is None:
        before = _before(release)
        is_back = step == "restore"
        advisory = make(
            release.repository,
            kind=KINDS[step],
            category=before.category if before else AdvisoryCategory.OTHER,
            severity=Severity.LOW if is_back else before.severity if before else Severity.HIGH,
            reason=reason,
            by=by,
            follows=before,
        )
        log.record("advisory.publish", actor=by.public_id, subject=advisory, kind=advisory.kind)
    AdvisoryScope.objects.create(advisory=advisory, release=release)
    return advisory


def _before(release: Release) -> Advisory | None:
    """The suspension or recall that is the last word on the release."""
    told = Advisory.objects.filter(scope__release=release).exclude(kind=AdvisoryKind.NOTICE)
    last = told.order_by("-pk").first()
    return last if last is not None and last.kind in WITHDRAWING else None


def make(
    repository: Repository,
    *,
    kind: str,
    category: str,
    severity: str,
    reason: str,
    by: User,
    follows: Advisory | None = None,
    now: datetime | None = None,
) -> Advisory:
    """The row of an advisory, without what it is about yet, of which webhooks are told. For those who
    act on releases."""
    check(category=category, severity=severity, reason=reason)
    made = Advisory.objects.create(
        repository=repository,
        kind=kind,
        category=category,
        severity=severity,
        reason=reason.strip(),
        follows=follows,
        by=by,
        at=now or timezone.now(),
    )
    announcements.announce(repository, "repo.advisory", "create", advisory=made.public_id)
    return made


def check(*, category: str, severity: str, reason: str) -> None:
    """Raise unless an advisory may say this."""
    if category not in AdvisoryCategory.values:
        raise Invalid(
            _("Choose what it is about: one of %(values)s.")
            % {"values": ", ".join(AdvisoryCategory.values)}
        )
    if severity not in Severity.values:
        raise Invalid(
            _("Choose how severe it is: one of %(values)s.")
            % {"values": ", ".join(Severity.values)}
        )
    if not reason.strip():
        raise Invalid(_("Give a reason: everybody who received it is told it."))
    if len(reason) > MAX_REASON:
        raise Invalid(_("The reason is longer than %(most)s characters.") % {"most": MAX_REASON})


def standing_on(releases: Iterable[Release]) -> QuerySet[Advisory]:
    """The suspensions and recalls of any of these that no restoration followed, newest first."""
    return standing().filter(scope__release__in=list(releases)).distinct()


def standing() -> QuerySet[Advisory]:
    """Every suspension and recall that still holds for one of its releases, newest first."""
    out = Exists(
        AdvisoryScope.objects.filter(
            advisory=OuterRef("pk"), release__status__in=["suspended", "recalled"]
        )
    )
    return Advisory.objects.filter(out, kind__in=WITHDRAWING).select_related(*RELATED)


def holds(advisory: Advisory) -> bool:
    """Whether a suspension or recall still keeps something of what it names back."""
    return standing().filter(pk=advisory.pk).exists()


def listed(caller: Caller) -> QuerySet[Advisory]:
    """What the caller may read, the newest first."""
    return (
        Advisory.objects.visible_to(caller)
        .select_related(*RELATED)
        .prefetch_related("scope__release__revision")
    )


def find(public_id: str, *, caller: Caller) -> Advisory:
    """An advisory on what the caller may know of, or that they were told of because they hold the
    files: that they may not see the repository any more does not take the warning away."""
    seen = Q(pk__in=Advisory.objects.visible_to(caller).values("pk"))
    if caller.user is not None and not caller.token:
        told = AdvisoryNotice.objects.filter(user=caller.user).values("advisory")
        seen |= Q(pk__in=told)
    found = Advisory.objects.filter(seen, public_id=public_id).select_related(*RELATED)
    advisory = found.prefetch_related("scope__release__revision").first()
    if advisory is None:
        raise Missing(_("There is no such advisory."))
    return advisory


def name_for(advisory: Advisory, caller: Caller) -> str:
    """The repository as this caller may hear of it: its name, or where it is out of their sight by
    now its id, which their receipts say too."""
    repository = advisory.repository
    if Repository.objects.visible_to(caller).filter(pk=repository.pk).exists():
        return repository.full_name
    return repository.public_id


def releases_of(repository: Repository) -> QuerySet[Release]:
    """What an advisory on the repository can be about, the newest first."""
    found = Release.objects.filter(repository=repository, status__in=WAS_RELEASED)
    return found.select_related("revision").order_by("-pk")


def affecting(repository: Repository, *, caller: Caller) -> list[Affecting]:
    """The suspensions and recalls that still hold on models that the public revision of this one
    comes from, declared or measured, as far as the caller may know of them. One query where nothing
    on the site is withdrawn."""
    held = list(standing().exclude(repository=repository).prefetch_related("scope__release"))
    if not held:
        return []
    revision = _shown(repository)
    if revision is None:
        return []
    by_repository: dict[int, list[Advisory]] = {}
    for advisory in held:
        by_repository.setdefault(advisory.repository_id, []).append(advisory)
    # What comes through a private model is not said of those above it
    ancestors = {
        one.repository.pk: (one.repository, "declared")
        for one in lineage.of_revision(revision).ancestors
        if one.repository is not None and one.shown == one.name
    }
    names = measured_names(revision)
    for advisory in held:
        # What is measured has no direction; nothing comes from what was made after it
        older = [one for one in advisory.scope.all() if one.release.revision_id < revision.pk]
        if older and advisory.repository.full_name in names:
            there = advisory.repository
            ancestors.setdefault(there.pk, (there, "measured"))
    visible = Repository.objects.visible_to(caller).filter(pk__in=ancestors)
    seen = set(visible.values_list("pk", flat=True))
    return [
        Affecting(advisory, there, how)
        for key, (there, how) in ancestors.items()
        if key in seen
        for advisory in by_repository.get(key, [])
    ]


def _shown(repository: Repository) -> Revision | None:
    """What everybody gets, or last got."""
    found = Revision.objects.filter(repository=repository).select_related("repository__namespace")
    return found.exclude(state=RevisionState.QUARANTINE).order_by("-pk").first()


def measured_names(revision: Revision) -> set[str]:
    """The models of which the newest finished run found the weights to come: the bases whose
    declaration it supports, and those that it found nearest."""
    counted = Q(rescan=None) | Q(rescan__adopted_at__isnull=False)
    runs = CheckRun.objects.filter(counted, revision=revision, state=RunState.FINISHED)
    return names_in(runs.order_by("-pk").values_list("report__lineage", flat=True).first())


def names_in(measured: object) -> set[str]:
    """The names that this part of a report finds a model to come from."""
    if not isinstance(measured, dict):
        return set()
    targets = measured.get("targets")
    parts = list(targets.values()) if isinstance(targets, dict) else [measured]
    found: set[str] = set()
    for part in (one for one in [measured, *parts] if isinstance(one, dict)):
        bases = [one for one in part.get("bases") or [] if isinstance(one, dict)]
        found |= {str(one.get("model")) for one in bases if one.get("verdict") == "supported"}
        near = [one for one in part.get("nearest") or [] if isinstance(one, dict)]
        found |= {str(one.get("model")) for one in near}
    return found
