"""Who is told of a campaign by mail, of what, and when. Rows say who was told, so that a sweep that
is broken off goes on where it stopped."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from registry.accounts import languages
from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, Role, User
from registry.catalog.models import Repository
from registry.outbox import mail
from registry.releases import replacements
from registry.releases.models import (
    Campaign,
    CampaignKind,
    CampaignNotice,
    CampaignNoticeKind,
)
from registry.releases.replacements import Replacement

BATCH = 100
NAMED = 20
# A change that took effect, or was cancelled, longer ago than this is no news
NEWS = timedelta(days=7)

Kind = CampaignNoticeKind


@dataclass
class Part:
    """What a campaign is to one person: models whose terms they have to accept again, themselves or
    for organisations, and models that they publish. By key."""

    accepted: set[int] = field(default_factory=set)
    organisations: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    published: set[int] = field(default_factory=set)


def due(now: datetime) -> list[tuple[Campaign, str]]:
    """The campaigns of which somebody may have to be told now, and what."""
    confirmed = Campaign.objects.filter(confirmed_at__isnull=False)
    standing = confirmed.filter(cancelled_at=None)
    announced = standing.filter(Q(effective_at__gt=now) | Q(confirmed_at__gt=now - NEWS))
    reminded = standing.filter(
        kind=CampaignKind.MATERIAL, reminded_at=None, effective_at__gt=now
    ).exclude(effective_at__gt=now + timedelta(hours=settings.CAMPAIGN_REMINDER_HOURS))
    cancelled = confirmed.filter(cancelled_at__gt=now - NEWS)
    return [
        *((one, Kind.ANNOUNCED) for one in announced),
        *((one, Kind.REMINDED) for one in reminded if now >= _half_way(one)),
        *((one, Kind.CANCELLED) for one in cancelled),
    ]


def tell(campaign: Campaign, kind: str, *, now: datetime | None = None) -> int:
    """Queue the mails of one kind that nobody got yet, some people a transaction. Returns how many
    people were told."""
    now = now or timezone.now()
    parts = parts_of(campaign, now) if kind != Kind.CANCELLED else {}
    waiting = _told(campaign, Kind.ANNOUNCED) if kind == Kind.CANCELLED else set(parts)
    if kind == Kind.REMINDED:
        waiting = {key for key in waiting if parts[key].accepted or parts[key].organisations}
    told = 0
    keys = sorted(waiting - _told(campaign, kind))
    for start in range(0, len(keys), BATCH):
        told += _tell_some(campaign, kind, keys[start : start + BATCH], parts, now)
    if kind == Kind.REMINDED:
        Campaign.objects.filter(pk=campaign.pk, reminded_at=None).update(reminded_at=now)
    return told


def parts_of(campaign: Campaign, now: datetime) -> dict[int, Part]:
    """What the campaign is to each person whom it concerns, by key."""
    found = replacements.of_campaign(campaign)
    parts: dict[int, Part] = defaultdict(Part)
    for user, organisation, repository in _asked_again(found, now):
        if organisation is None:
            parts[user].accepted.add(repository)
            continue
        for person in _speakers(organisation, user):
            parts[person].organisations[organisation].add(repository)
    for person, repository in _publishers(found):
        parts[person].published.add(repository)
    return dict(parts)


def _asked_again(found: list[Replacement], now: datetime) -> Iterator[tuple[int, int | None, int]]:
    """Who accepted (the signatory, for which organisation), and in which repository nothing that
    they accepted opens one of the releases afterwards."""
    hashes = {one for each in found for one in (*each.opened_by, each.hash)}
    both = replacements.acceptances_with(hashes, found, now=now)
    held: dict[tuple[int | None, int, int], set[str]] = defaultdict(set)
    signatories: dict[tuple[int | None, int, int], int] = {}
    rows = both.order_by("pk").values_list("organisation", "user", "repository", "terms_hash")
    for organisation, user, repository, terms_hash in rows.iterator():
        party = (organisation, 0 if organisation else user, repository)
        held[party].add(terms_hash)
        signatories[party] = user
    moves: dict[int, list[Replacement]] = defaultdict(list)
    for one in found:
        moves[one.release.repository_id].append(one)
    for key, agreed in held.items():
        if any(
            agreed & set(one.opened_by) and not agreed & set(one.counts) for one in moves[key[2]]
        ):
            yield signatories[key], key[0], key[2]


def _speakers(organisation: int, signatory: int) -> set[int]:
    """Who looks after what an organisation accepted: its admins, and who signed while a member."""
    members = Membership.objects.filter(namespace=organisation, user__is_service=False)
    speaking = members.filter(Q(role=Role.ADMIN) | Q(user=signatory))
    return set(speaking.values_list("user", flat=True))


def _publishers(found: list[Replacement]) -> Iterator[tuple[int, int]]:
    """The admins of the namespaces of these repositories, or the person whose it is."""
    at: dict[int, set[int]] = defaultdict(set)
    for one in found:
        at[one.release.repository.namespace_id].add(one.release.repository_id)
    admins = Membership.objects.filter(
        namespace__any_of=sorted(at), role=Role.ADMIN, user__is_service=False
    ).values_list("user", "namespace")
    owners = User.objects.filter(namespace__any_of=sorted(at)).values_list("pk", "namespace")
    for person, namespace in [*admins, *owners]:
        for repository in at[namespace]:
            yield person, repository


def _told(campaign: Campaign, kind: str) -> set[int]:
    return set(campaign.notices.filter(kind=kind).values_list("user", flat=True))


@transaction.atomic
def _tell_some(
    campaign: Campaign, kind: str, keys: Iterable[int], parts: dict[int, Part], now: datetime
) -> int:
    """One batch. The campaign is locked, so that a sweep beside this one waits and sees it told."""
    row = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    if (row.cancelled_at is None) == (kind == Kind.CANCELLED):
        return 0
    done = set(
        CampaignNotice.objects.filter(campaign=row, kind=kind, user__in=keys).values_list(
            "user", flat=True
        )
    )
    people = User.objects.filter(pk__in=keys, is_active=True).exclude(pk__in=done)
    told = 0
    for person in people.exclude(email="").order_by("pk"):
        with languages.speaking_to(person):
            text = _text(row, kind, person, parts.get(person.pk, Part()))
            subject = _subject(row, kind)
        if text:
            mail.queue(to=person.email, subject=subject, text=text)
            CampaignNotice.objects.create(campaign=row, user=person, kind=kind, at=now)
            told += 1
    return told


def _subject(campaign: Campaign, kind: str) -> str:
    words = {"title": campaign.document.title, "day": languages.moment(campaign.effective_at)}
    if kind == Kind.CANCELLED:
        return _("The change of %(title)s announced for %(day)s is cancelled") % words
    if kind == Kind.REMINDED:
        return _("Reminder: from %(day)s on, %(title)s has to be accepted again") % words
    return _("%(title)s changes on %(day)s") % words


def _text(campaign: Campaign, kind: str, person: User, part: Part) -> str:
    """The mail, empty where this person may know of none of the models any more."""
    title = campaign.document.title
    if kind == Kind.CANCELLED:
        called_off = _(
            "The change of %(title)s that you were told of does not come. Nothing changes for you."
        ) % {"title": title}
        reason = _("Reason: %(reason)s") % {"reason": campaign.cancel_reason}
        return f"{called_off}\n\n{reason}\n\n{_link(part, {})}\n"
    names = _names_of(person, part)
    blocks = [
        block
        for block in (_own(part, names), *_signed(part, names), _publishing(campaign, part, names))
        if block
    ]
    if not blocks:
        return ""
    change = _(
        "Version %(version)s of %(title)s takes the place of the one before it on %(day)s."
    ) % {
        "version": campaign.version.version,
        "title": title,
        "day": languages.moment(campaign.effective_at),
    }
    changes = _("What changes: %(note)s") % {"note": campaign.note}
    return "\n\n".join([change, changes, *blocks, _link(part, names)]) + "\n"


def _own(part: Part, names: dict[int, str]) -> str:
    listed = _listed(part.accepted, names)
    words = _(
        "You accepted the terms of these models. Until then nothing changes for you; from then on "
        "new downloads need the new terms. You can accept them now, so that nothing stops:"
    )
    return listed and f"{words}\n{listed}"


def _signed(part: Part, names: dict[int, str]) -> Iterator[str]:
    titles = dict(
        Namespace.objects.filter(pk__in=list(part.organisations)).values_list("pk", "name")
    )
    for organisation, repositories in sorted(part.organisations.items()):
        if listed := _listed(repositories, names):
            words = _(
                "For %(organisation)s the terms of these models were accepted, which covers its "
                "members until then. A signatory has to accept the new ones for them:"
            ) % {"organisation": titles[organisation]}
            yield f"{words}\n{listed}"


def _publishing(campaign: Campaign, part: Part, names: dict[int, str]) -> str:
    if campaign.kind == CampaignKind.MATERIAL:
        words = _("The terms of these models of yours change, and readers are asked again:")
    else:
        words = _(
            "The terms of these models of yours change, and what readers accepted carries over:"
        )
    listed = _listed(part.published, names)
    return listed and f"{words}\n{listed}"


def _names_of(person: User, part: Part) -> dict[int, str]:
    """The names of the models that this person may know of today, by key."""
    keys = part.accepted.union(part.published, *part.organisations.values())
    seen = Repository.objects.visible_to(Caller(user=person)).filter(pk__in=keys)
    return {one.pk: one.full_name for one in seen.select_related("namespace")}


def _listed(keys: Iterable[int], names: dict[int, str]) -> str:
    known = sorted(names[key] for key in keys if key in names)
    lines = [f"- {name}" for name in known[:NAMED]]
    if len(known) > NAMED:
        more = len(known) - NAMED
        lines.append(ngettext("and %(count)s more", "and %(count)s more", more) % {"count": more})
    return "\n".join(lines)


def _link(part: Part, names: dict[int, str]) -> str:
    """Where to go on: the terms of the one model that is meant, else all that they agreed to."""
    if len(names) == 1 and (part.accepted or part.organisations):
        return f"{settings.SITE_URL}/{next(iter(names.values()))}/terms"
    return f"{settings.SITE_URL}/settings/agreements"


def _half_way(campaign: Campaign) -> datetime:
    """No reminder comes in the first half of a grace, however short that is."""
    begun = campaign.confirmed_at or campaign.opened_at
    return begun + (campaign.effective_at - begun) / 2
