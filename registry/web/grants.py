"""Grants as pages show them: what each one covers, until when, and how much of it is used."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

from django.contrib import messages
from django.utils import timezone

from registry.agreements import grants
from registry.agreements.models import Grant
from registry.catalog.models import Repository
from registry.errors import RegistryError
from registry.releases import access
from registry.web.requests import CallerRequest


@dataclass(frozen=True)
class GrantRow:
    """One grant with the words for its limits."""

    grant: Grant
    state: str
    first_release: str
    last_release: str
    used: Fraction | None
    is_renewed: bool

    @property
    def is_living(self) -> bool:
        return self.state in {"in force", "coming"}

    @property
    def may_renew(self) -> bool:
        return self.grant.ends_at is not None and self.is_living and not self.is_renewed

    @property
    def used_words(self) -> str:
        """How many full downloads were made, to a tenth."""
        return "" if self.used is None else f"{float(self.used):.1f}".removesuffix(".0")


def rows_of(repository: Repository, found: Iterable[Grant]) -> list[GrantRow]:
    """The rows of grants of one repository."""
    found = list(found)
    labels = access.labels_of(found)
    renewed = set(
        Grant.objects.filter(renews__in=found, revoked_at=None).values_list("renews", flat=True)
    )
    used, now = access.downloads_used(found, repository), timezone.now()
    return [
        GrantRow(
            grant=one,
            state=grants.state_of(one, now),
            first_release=labels.get(one.first_release, one.first_release),
            last_release=labels.get(one.last_release, one.last_release),
            used=used.get(one.pk),
            is_renewed=one.pk in renewed,
        )
        for one in found
    ]


def told(request: CallerRequest, act: Callable[[], object], done: str) -> None:
    """Do it, and say on the next page that it is done, or why not."""
    try:
        act()
    except RegistryError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, done)
