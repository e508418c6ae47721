"""The register of an organisation: what was signed for it, and who is covered by each signature."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.callers import Caller
from registry.accounts.models import Membership, Namespace, User
from registry.accounts.permissions import Permission, may
from registry.agreements.models import Acceptance, Adherence, Ending, Receipt
from registry.catalog.models import Repository
from registry.errors import Missing

NO_REGISTER = gettext_noop("There is no such register, or none that you may know of.")
CHUNK = 200


@dataclass(frozen=True)
class Cover:
    """A member, and by what a signature covers them: signatory, joined, service or nothing."""

    user: User
    by: str
    since: datetime | None = None


@dataclass(frozen=True)
class Row:
    """One signature. `repository` is empty where the looker may not know of it."""

    acceptance: Acceptance
    repository: str
    documents: list[str]
    receipt: str
    ended_at: datetime | None
    covered: list[Cover]
    uncovered: list[Cover]

    @property
    def is_in_force(self) -> bool:
        return self.ended_at is None

    @property
    def state(self) -> str:
        return "in force" if self.is_in_force else "ended"


def may_read(organisation: Namespace, caller: Caller) -> bool:
    return may(caller, Permission.ADMIN, organisation) or may(
        caller, Permission.GOVERN, organisation
    )


def signatures(organisation: Namespace, *, caller: Caller) -> QuerySet[Acceptance]:
    """What was signed for the organisation, the newest first, for its admins and stewards."""
    if not may_read(organisation, caller):
        raise Missing(_(NO_REGISTER))
    return (
        Acceptance.objects.filter(organisation=organisation)
        .select_related("user", "repository__namespace")
        .order_by("-accepted_at", "-pk")
    )


def rows(
    page: list[Acceptance], organisation: Namespace, *, caller: Caller, now: datetime | None = None
) -> list[Row]:
    """What the register says of each, in a number of queries that does not grow with the page."""
    now = now or timezone.now()
    members = list(
        Membership.objects.filter(namespace=organisation)
        .select_related("user")
        .order_by("user__username")
    )
    joined = {
        (adherence.acceptance_id, adherence.membership): adherence.at
        for adherence in Adherence.objects.filter(
            acceptance__in=page, membership__in=[member.pk for member in members]
        )
    }
    ended = dict(
        Ending.objects.filter(acceptance__in=page, at__lte=now).values_list("acceptance_id", "at")
    )
    receipts = dict(
        Receipt.objects.filter(acceptance__in=page).values_list("acceptance_id", "public_id")
    )
    known = set(
        Repository.objects.visible_to(caller)
        .filter(pk__in=[acceptance.repository_id for acceptance in page])
        .values_list("pk", flat=True)
    )
    found = []
    for one in page:
        covers = [_cover(one, member, joined, ended) for member in members]
        found.append(
            Row(
                acceptance=one,
                repository=one.repository.full_name if one.repository_id in known else "",
                documents=[f"{item['title']} {item['version']}" for item in one.terms["documents"]],
                receipt=receipts.get(one.pk, ""),
                ended_at=ended.get(one.pk),
                covered=[cover for cover in covers if cover.by],
                uncovered=[cover for cover in covers if not cover.by],
            )
        )
    return found


def all_rows(organisation: Namespace, *, caller: Caller) -> Iterator[Row]:
    """The whole register in portions, for those who take it with them."""
    found, now = signatures(organisation, caller=caller), timezone.now()

    def portions() -> Iterator[Row]:
        portion: list[Acceptance] = []
        for one in found.iterator(chunk_size=CHUNK):
            portion.append(one)
            if len(portion) == CHUNK:
                yield from rows(portion, organisation, caller=caller, now=now)
                portion = []
        yield from rows(portion, organisation, caller=caller, now=now)

    return portions()


def _cover(
    one: Acceptance,
    member: Membership,
    joined: dict[tuple[int, int], datetime],
    ended: dict[int, datetime],
) -> Cover:
    """As `coverage` decides it."""
    if one.pk in ended:
        return Cover(member.user, "")
    if member.user_id == one.user_id:
        return Cover(member.user, "signatory", one.accepted_at)
    if member.user.is_service:
        return Cover(member.user, "service", max(one.accepted_at, member.created_at))
    at = joined.get((one.pk, member.pk))
    return Cover(member.user, "joined" if at else "", at)
