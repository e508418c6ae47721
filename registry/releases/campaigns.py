"""Campaigns: a new version of a text takes the place of another in the terms of what is released,
from one moment on, once two stewards want it. The only code that writes changes of terms."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import permissions
from registry.accounts.callers import Caller
from registry.accounts.models import User
from registry.accounts.permissions import Permission
from registry.agreements import coverage, documents
from registry.agreements.models import Acceptance, Document, DocumentVersion
from registry.audit import log
from registry.catalog.models import Repository
from registry.errors import (
    Conflict,
    Invalid,
    Missing,
    NotAllowed,
    NotNow,
    RegistryError,
    SignInRequired,
)
from registry.releases import replacements
from registry.releases.models import Campaign, CampaignKind, Release, Status, TermsChange
from registry.releases.replacements import Counts, Replacement

MAX_NOTE = 2000
MAX_REASON = 500
FARTHEST = timedelta(days=3653)
# One number for pg_advisory_xact_lock: a release that comes out sees each campaign as confirmed or
# not, and a campaign that is confirmed each release as out or not
CAMPAIGN_LOCK = 0x43414D50


@dataclass(frozen=True)
class Progress:
    """How many acceptances a campaign replaces, and how many there are of the new sets already."""

    replaced: int
    accepted: int


def preview(
    version: DocumentVersion,
    *,
    now: datetime,
    kind: str = CampaignKind.MATERIAL,
    effective_at: datetime | None = None,
) -> Counts:
    """Who and what a campaign with this version would affect, if it were confirmed now."""
    at = max(effective_at or now, now)
    return replacements.count(replacements.of_version(version, kind=kind, at=at), now=now, at=at)


@transaction.atomic
def propose(
    version: DocumentVersion,
    *,
    kind: str,
    effective_at: datetime,
    note: str,
    by: Caller,
    now: datetime | None = None,
) -> Campaign:
    """Propose that the version takes the place of the older ones; another steward confirms it."""
    steward, now = _steward(by), now or timezone.now()
    if kind not in CampaignKind.values:
        raise Invalid(_("Say whether the change is editorial or material."))
    if timezone.is_naive(effective_at):
        raise Invalid(_("Say in which time zone the change takes effect."))
    if effective_at > now + FARTHEST:
        raise Invalid(_("A change takes effect within ten years."))
    note = _words(note, MAX_NOTE, "Say what changes: everybody affected is told it.")
    if error := _unfit(version, kind, effective_at, now):
        raise error
    if not preview(version, now=now, kind=kind, effective_at=effective_at).releases:
        raise NotNow(_("Nothing that is released is under an older version of this text."))
    try:
        with transaction.atomic():
            made = Campaign.objects.create(
                document=version.document,
                version=version,
                kind=kind,
                note=note,
                effective_at=effective_at,
                opened_by=steward,
                opened_at=now,
            )
    except IntegrityError as error:
        raise Conflict(
            _("A campaign of %(document)s is proposed already. Confirm or cancel that one first.")
            % {"document": version.document.title}
        ) from error
    _log("propose", made, by=by, note=note)
    return made


@transaction.atomic
def confirm(campaign: Campaign, *, by: Caller, now: datetime | None = None) -> Counts:
    """Write the terms that each affected release will be under, and what was affected. An editorial
    change whose time has come meanwhile takes effect at once."""
    _steward(by)
    campaign = _locked(campaign)
    _be_alone()
    now = now or timezone.now()
    if error := refusal("confirm", campaign, by, now=now):
        raise error
    at = max(campaign.effective_at, now)
    found = replacements.of_version(campaign.version, kind=campaign.kind, at=at)
    _check_nothing_later(found, at)
    counts = replacements.count(found, now=now, at=at)
    campaign.effective_at = at
    campaign.confirmed_by = by.user
    campaign.confirmed_at = now
    campaign.save(update_fields=["effective_at", "confirmed_by", "confirmed_at"])
    _write(campaign, found, at)
    _log("confirm", campaign, by=by, counts=vars(counts))
    return counts


@transaction.atomic
def cancel(campaign: Campaign, *, reason: str, by: Caller, now: datetime | None = None) -> Campaign:
    """Take a campaign back: a proposal at any time, a confirmed one before it takes effect."""
    steward = _steward(by)
    reason = _words(reason, MAX_REASON, "Say why: whoever was told of the change is told it.")
    campaign = _locked(campaign)
    _be_alone()
    now = now or timezone.now()
    if error := refusal("cancel", campaign, by, now=now):
        raise error
    campaign.cancelled_by = steward
    campaign.cancelled_at = now
    campaign.cancel_reason = reason
    campaign.save(update_fields=["cancelled_by", "cancelled_at", "cancel_reason"])
    _log("cancel", campaign, by=by, reason=reason)
    return campaign


def refusal(
    step: str, campaign: Campaign, by: Caller, *, now: datetime | None = None
) -> RegistryError | None:
    """Why this caller cannot confirm or cancel the campaign now, or None. Buttons and steps ask
    the same question."""
    now = now or timezone.now()
    try:
        steward = _steward(by)
    except RegistryError as refused:
        return refused
    if campaign.cancelled_at is not None:
        return NotNow(_("This campaign was cancelled."))
    if step == "cancel":
        return _uncancellable(campaign, now)
    if campaign.confirmed_at is not None:
        return NotNow(_("This campaign was confirmed already."))
    if campaign.opened_by_id == steward.pk:
        return NotAllowed(_("You proposed this campaign, so another steward has to confirm it."))
    return _unfit(campaign.version, campaign.kind, campaign.effective_at, now)


def follow(release: Release, *, now: datetime | None = None) -> None:
    """Have a release that comes out now go along with the campaigns that were confirmed before it,
    as those do that were out then."""
    share()
    now = now or timezone.now()
    ahead = (
        Campaign.objects.filter(
            document__public_id__in=[item["document"] for item in release.terms["documents"]],
            confirmed_at__isnull=False,
            cancelled_at=None,
        )
        .exclude(changes__release=release)
        .select_related("version__document")
        .order_by("effective_at", "confirmed_at", "pk")
    )
    this = Release.objects.filter(pk=release.pk)
    for campaign in ahead:
        at = max(campaign.effective_at, now)
        found = replacements.of_version(campaign.version, kind=campaign.kind, at=at, among=this)
        _write(campaign, found, at)


def coming(release: Release, now: datetime | None = None) -> TermsChange | None:
    """What the release comes under next, None where nothing is announced."""
    return (
        TermsChange.objects.filter(
            release=release, from_at__gt=now or timezone.now(), campaign__cancelled_at=None
        )
        .select_related("campaign__document", "campaign__version")
        .order_by("from_at", "-pk")
        .first()
    )


def coming_to(caller: Caller, now: datetime | None = None) -> QuerySet[TermsChange]:
    """What comes to models whose terms the caller accepted, as far as they did not accept it yet."""
    if caller.user is None:
        return TermsChange.objects.none()
    now, here = now or timezone.now(), OuterRef("release__repository")
    own = Acceptance.objects.filter(user=caller.user, organisation=None, repository=here)
    agreed = coverage.of(user=caller.user.pk, repository=here, hashes=OuterRef("counts"), now=now)
    return (
        TermsChange.objects.filter(
            Exists(own),
            ~Exists(agreed),
            from_at__gt=now,
            campaign__cancelled_at=None,
            release__status=Status.RELEASED,
            release__repository__in=Repository.objects.visible_to(caller),
        )
        .select_related("campaign__document", "release__repository__namespace")
        .order_by("from_at", "pk")
    )


def candidates(now: datetime) -> list[tuple[DocumentVersion, int]]:
    """The versions, in force or announced by their date, that releases could be brought under, and
    how many releases are under older ones."""
    found = []
    named = [one for one in Document.objects.all() if replacements.naming(one).exists()]
    for document in named:
        for version in (documents.current(document, now=now), *documents.coming(document, now=now)):
            at = max(now, first_moment(version, now))
            moved = replacements.of_version(version, kind=CampaignKind.MATERIAL, at=at)
            if moved:
                found.append((version, len(moved)))
    return found


def first_moment(version: DocumentVersion, now: datetime) -> datetime:
    """When the version takes effect by its own date."""
    if version.effective_date is None:
        return now
    return datetime.combine(version.effective_date, time(tzinfo=UTC))


def find(public_id: str, *, caller: Caller) -> Campaign:
    """A campaign, for stewards; for others there is none."""
    found = Campaign.objects.filter(public_id=public_id) if caller.is_steward else None
    campaign = found.select_related(*RELATED).first() if found is not None else None
    if campaign is None:
        raise Missing(_("There is no such campaign."))
    return campaign


def state_of(campaign: Campaign, now: datetime) -> str:
    """`proposed`, `grace`, `in_force` or `cancelled`."""
    if campaign.cancelled_at is not None:
        return "cancelled"
    if campaign.confirmed_at is None:
        return "proposed"
    return "grace" if now < campaign.effective_at else "in_force"


def progress(campaign: Campaign, now: datetime) -> Progress:
    """How far those who are asked again have come."""
    found = replacements.of_campaign(campaign)
    return Progress(
        replaced=replacements.acceptances_of(found, now=now).count(),
        accepted=replacements.acceptances_after(found, now=now).count(),
    )


def preview_of(campaign: Campaign, now: datetime) -> Counts:
    """What a proposal would affect, if it were confirmed now."""
    return preview(
        campaign.version, now=now, kind=campaign.kind, effective_at=campaign.effective_at
    )


def counts_of(campaign: Campaign, now: datetime) -> Counts:
    """The same numbers of a campaign that was confirmed, releases that came out since included."""
    found = replacements.of_campaign(campaign)
    return replacements.count(found, now=now, at=campaign.effective_at)


def soonest(kind: str, now: datetime) -> datetime:
    """The first moment at which a change may take effect that is confirmed now."""
    if kind == CampaignKind.EDITORIAL:
        return now
    return now + timedelta(hours=settings.CAMPAIGN_GRACE_HOURS)


RELATED = ("version__document", "opened_by", "confirmed_by", "cancelled_by")


def _steward(by: Caller) -> User:
    if by.user is None:
        raise SignInRequired(_("Sign in to govern the terms."))
    if not permissions.may(by, Permission.GOVERN, by.user.namespace):
        raise NotAllowed(
            _("Only a steward, with a browser or a token of scope admin, governs the terms.")
        )
    if by.repositories is not None:
        raise NotAllowed(
            _("This token is limited to listed repositories, and a campaign concerns every one.")
        )
    return by.user


def _unfit(
    version: DocumentVersion, kind: str, effective_at: datetime, now: datetime
) -> RegistryError | None:
    """Why this version cannot take effect everywhere then."""
    if kind == CampaignKind.MATERIAL and effective_at < soonest(kind, now):
        return NotNow(
            _(
                "A material change needs a grace of at least %(hours)s hours "
                "from its confirmation on. Propose it with a later date."
            )
            % {"hours": settings.CAMPAIGN_GRACE_HOURS}
        )
    at = max(effective_at, now)
    if documents.current(version.document, now=at).pk != version.pk:
        return NotNow(
            _(
                "On %(at)s new releases come under another version of %(document)s than this "
                "one: it has another date, or was replaced. Choose the date or the version "
                "accordingly."
            )
            % {"at": _day(at), "document": version.document.title}
        )
    return None


def _uncancellable(campaign: Campaign, now: datetime) -> RegistryError | None:
    if campaign.confirmed_at is None:
        return None
    if now >= campaign.effective_at:
        return NotNow(_("The change has taken effect, so it cannot be taken back."))
    own = TermsChange.objects.filter(
        campaign=campaign, release=OuterRef("release"), pk__lt=OuterRef("pk")
    )
    later = _announced().filter(Exists(own), from_at__gte=campaign.effective_at).first()
    if later is not None:
        return NotNow(
            _(
                "The campaign of %(document)s was built on this one. Cancel that one first, "
                "and propose it again."
            )
            % {"document": later.campaign.document.title}
        )
    return None


def _check_nothing_later(found: list[Replacement], at: datetime) -> None:
    """Raise where a change was announced that comes later: it was built without this one, and
    what was announced is not rewritten."""
    later = _announced().filter(release__any_of=[one.release.pk for one in found], from_at__gt=at)
    if (change := later.order_by("from_at").first()) is not None:
        raise NotNow(
            _(
                "Terms of the same releases change on %(from_at)s already, by the campaign of "
                "%(document)s, which knows nothing of this change. Propose this one for then "
                "or later, or cancel that one and propose it again after this one."
            )
            % {"from_at": _day(change.from_at), "document": change.campaign.document.title}
        )


def _announced() -> QuerySet[TermsChange]:
    return TermsChange.objects.filter(campaign__cancelled_at=None).select_related(
        "campaign__document"
    )


def _write(campaign: Campaign, found: list[Replacement], at: datetime) -> None:
    rows = [
        TermsChange(
            campaign=campaign,
            release=one.release,
            terms=one.terms,
            terms_hash=one.hash,
            counts=list(one.counts),
            from_at=at,
        )
        for one in found
    ]
    TermsChange.objects.bulk_create(rows, batch_size=500)


def _locked(campaign: Campaign) -> Campaign:
    Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    return Campaign.objects.select_related(*RELATED).get(pk=campaign.pk)


def _be_alone() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [CAMPAIGN_LOCK])


def share() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock_shared(%s)", [CAMPAIGN_LOCK])


def _words(text: str, longest: int, why: str) -> str:
    words = text.strip()
    if not words:
        raise Invalid(why)
    if len(words) > longest:
        raise Invalid(_("That is longer than %(most)s characters.") % {"most": longest})
    return words


def _log(step: str, campaign: Campaign, *, by: Caller, **details: object) -> None:
    log.record(
        f"campaign.{step}",
        actor=by.public_id,
        subject=campaign,
        document=campaign.document.public_id,
        sha256=campaign.version.sha256,
        kind=campaign.kind,
        effective_at=campaign.effective_at.isoformat(),
        **details,
    )


def _day(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%-d %B %Y, %H:%M UTC")
