"""How many bytes a namespace may hold, and whether more have room.

Counted are the distinct bytes that its repositories hold, deleted ones too until their bytes are
collected, and what is announced or staged of uploads that are not whole yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, Sum
from django.utils.translation import gettext as _

from registry.accounts.models import Namespace
from registry.audit import log
from registry.catalog.models import Holding
from registry.errors import Invalid, QuotaExceeded
from registry.storage import staging
from registry.storage.models import Blob

NO_BOUND = 2**53 - 1  # what the operator's word `none` sets: the largest number that JSON has
UNITS = {"": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4}


@dataclass(frozen=True)
class Usage:
    """What a namespace holds of what it may. `quota` is None where there is no bound."""

    held: int
    staged: int
    quota: int | None

    @property
    def used(self) -> int:
        return self.held + self.staged

    @property
    def room(self) -> int | None:
        return None if self.quota is None else max(self.quota - self.used, 0)

    @property
    def percent(self) -> int:
        if self.quota is None:
            return 0
        return 100 if self.used >= self.quota else self.used * 100 // self.quota


def quota_of(namespace: Namespace) -> int | None:
    """The bound in bytes: the namespace's own, else the site's; None where there is none."""
    if namespace.quota_bytes is not None:
        return namespace.quota_bytes if namespace.quota_bytes < NO_BOUND else None
    return settings.QUOTA_BYTES or None


def usage(namespace: Namespace) -> Usage:
    held = Blob.objects.filter(
        pk__in=Holding.objects.filter(repository__namespace=namespace).values("blob")
    ).aggregate(held=Sum("size", default=0))["held"]
    return Usage(held, staging.staged_bytes(namespace.public_id), quota_of(namespace))


def held(namespace: Namespace, hashes: Iterable[str]) -> set[str]:
    """Those of these SHA-256 that a repository of the namespace holds: they need no room."""
    found = Holding.objects.filter(repository__namespace=namespace, blob__sha256__in=set(hashes))
    return set(found.values_list("blob__sha256", flat=True))


def new_to(namespace: Namespace, found: Iterable[Blob]) -> int:
    """How many bytes of these blobs no repository of the namespace holds yet."""
    sizes = {blob.pk: blob.size for blob in found}
    held = Holding.objects.filter(repository__namespace=namespace, blob__in=list(sizes))
    return sum(sizes.values()) - sum(sizes[key] for key in set(held.values_list("blob", flat=True)))


def require_room(namespace: int, new_bytes: int) -> None:
    """Raise QuotaExceeded unless this namespace (by key) may hold so many bytes more.

    In a transaction, everybody else who asks for it waits for its end, so that two who both find
    room cannot both take it.
    """
    bound = _bound(Q(pk=namespace))
    if bound is not None:
        _require(bound, new_bytes)


def require_room_for(namespace: Q, found: Iterable[Blob]) -> None:
    """The same for blobs, of which only those count that the namespace (the one that is so) does
    not hold yet."""
    bound = _bound(namespace)
    if bound is not None:
        _require(bound, new_to(bound, found))


def require_room_for_sizes(namespace: Namespace, sizes: Iterable[int]) -> None:
    """Raise QuotaExceeded where files of these sizes cannot fit, whatever becomes of uploads that
    run. A size that the namespace holds may be of the same bytes, and needs no room here."""
    quota = quota_of(namespace)
    if quota is None:
        return
    new = set(sizes)
    held = Holding.objects.filter(repository__namespace=namespace, blob__size__in=new)
    needed = sum(new - set(held.values_list("blob__size", flat=True)))
    if needed and usage(namespace).held + needed > quota:
        raise QuotaExceeded(refusal(namespace, needed))


def _bound(which: Q) -> Namespace | None:
    """The namespace as it is now, if what it holds is bounded; locked in a transaction."""
    asked = Namespace.objects.only("name", "public_id", "quota_bytes")
    namespace = asked.get(which)
    if quota_of(namespace) is None or not connection.in_atomic_block:
        return None if quota_of(namespace) is None else namespace
    return asked.select_for_update(no_key=True).get(pk=namespace.pk)


def _require(namespace: Namespace, new_bytes: int) -> None:
    if new_bytes <= 0:
        return
    found = usage(namespace)
    if found.room is not None and new_bytes > found.room:
        raise QuotaExceeded(refusal(namespace, new_bytes))


def refusal(namespace: Namespace, new_bytes: int) -> str:
    """What somebody is told for whom there is no room. What the namespace holds is for its members
    to know, and who proposes a change is told this too."""
    return _(
        "This needs %(size)s, and %(namespace)s has no room for it. Its members see on its page "
        "what it holds; they can delete what is not needed, or ask the operator of this registry "
        "for a larger quota."
    ) % {"size": shown(new_bytes), "namespace": namespace.name}


@transaction.atomic
def set_quota(namespace: Namespace, quota: int | None, *, by: str) -> Namespace:
    """Bound what the namespace may hold: None for the site's default. What is held stays."""
    if quota is not None and quota < 0:
        raise Invalid(_("A quota is a number of bytes, and not negative."))
    namespace = Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    namespace.quota_bytes = quota
    namespace.save(update_fields=["quota_bytes"])
    log.record("namespace.quota", actor=by, subject=namespace, bytes=quota)
    return namespace


def bytes_in(text: str) -> int:
    """`500GiB`, `1.5 TiB` or a plain number, in bytes."""
    text = text.strip()
    number = text.rstrip("KMGTiB").rstrip()
    unit = text[len(number) :].strip()
    try:
        amount = int(float(number) * UNITS[unit])
    except (KeyError, ValueError, OverflowError) as error:
        raise Invalid(
            _("%(text)r is not an amount; write 500GiB, 1.5TiB or bytes.") % {"text": text}
        ) from error
    return min(amount, NO_BOUND)


def described(found: Usage) -> str:
    """`1.5 GiB of 500.0 GiB`: what is held of what may be."""
    bound = "" if found.quota is None else f" of {shown(found.quota)}"
    return f"{shown(found.used)}{bound or ', with no bound'}"


def shown(amount: int) -> str:
    """`1.5 GiB`: an amount for people."""
    for unit in ("TiB", "GiB", "MiB", "KiB"):
        if amount >= UNITS[unit]:
            return f"{amount / UNITS[unit]:.1f} {unit}"
    return f"{amount} bytes"
