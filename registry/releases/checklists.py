"""What an approver has to have looked at: the site's list and the namespace's, and who ticked what.

A tick is of exactly one release digest. An item is retired, never changed.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.accounts.models import Namespace, User
from registry.audit import log
from registry.errors import Conflict, Invalid, NotAllowed, SignInRequired
from registry.releases import policies, steps
from registry.releases.models import ChecklistItem, ChecklistTick, Release

MOST_ITEMS = 30
LONGEST = 300


def of_namespace(namespace: Namespace | None) -> QuerySet[ChecklistItem]:
    """The living items of one list: the namespace's own, or the site's without one."""
    return ChecklistItem.objects.filter(namespace=namespace, retired_at=None)


def asked_of(release: Release) -> QuerySet[ChecklistItem]:
    """What an approval of this release asks for: the site's list, then the namespace's."""
    lists = Q(namespace=None) | Q(namespace=release.repository.namespace_id)
    return ChecklistItem.objects.filter(lists, retired_at=None).order_by(
        F("namespace").asc(nulls_first=True), "position", "pk"
    )


@transaction.atomic
def add(
    text: str, *, namespace: Namespace | None, by: Caller, now: datetime | None = None
) -> ChecklistItem:
    """Ask one more thing of approvals from now on, also of releases under review."""
    user = _require(namespace, by)
    text = " ".join(text.split())
    if not text:
        raise Invalid(_("Say what a reviewer has to have looked at."))
    if len(text) > LONGEST:
        raise Invalid(
            _("An item of a checklist has at most %(most)s characters.") % {"most": LONGEST}
        )
    if namespace is not None:
        Namespace.objects.select_for_update(no_key=True).get(pk=namespace.pk)
    living = list(of_namespace(namespace))
    if any(one.text == text for one in living):
        raise Conflict(_("The checklist says this already."))
    if len(living) >= MOST_ITEMS:
        raise Invalid(
            _("A checklist has at most %(most)s items. Retire one first.") % {"most": MOST_ITEMS}
        )
    item = ChecklistItem.objects.create(
        namespace=namespace,
        text=text,
        position=max((one.position for one in living), default=0) + 1,
        added_by=user,
        added_at=now or timezone.now(),
    )
    log.record("checklist.add", actor=by.public_id, subject=item, **_of(namespace))
    return item


@transaction.atomic
def retire(item: ChecklistItem, *, by: Caller, now: datetime | None = None) -> None:
    """Ask it no more. What was ticked stays on record."""
    _require(item.namespace, by)
    living = ChecklistItem.objects.filter(pk=item.pk, retired_at=None)
    if not living.update(retired_at=now or timezone.now()):
        raise Conflict(_("This item is retired already."))
    log.record("checklist.retire", actor=by.public_id, subject=item, **_of(item.namespace))


def tick(
    release: Release, items: Iterable[ChecklistItem], *, user: User, now: datetime
) -> list[str]:
    """Write down that this person looked at these, of the release as it is now; the ids of those
    that were not ticked before. The release is locked, and may be decided by them."""
    before = set(ticked(release, user).values_list("item", flat=True))
    new = [one for one in items if one.pk not in before]
    ChecklistTick.objects.bulk_create(
        ChecklistTick(release=release, item=one, by=user, digest=release.digest, at=now)
        for one in new
    )
    return [one.public_id for one in new]


@transaction.atomic
def tick_off(
    release: Release,
    ids: Collection[str],
    *,
    by: Caller,
    digest: str,
    now: datetime | None = None,
) -> None:
    """Have a reviewer write down what they have looked at, before they decide."""
    Release.objects.select_for_update(no_key=True).get(pk=release.pk)
    related = ("repository__namespace", "revision__repository")
    release = Release.objects.select_related(*related).get(pk=release.pk)
    if error := steps.may_look(release, by, digest=digest):
        raise error
    if by.user is None:
        raise SignInRequired(_("Sign in to review."))
    new = tick(release, named(release, ids), user=by.user, now=now or timezone.now())
    if new:
        log.record(
            "release.tick", actor=by.public_id, subject=release, digest=release.digest, items=new
        )


def ticked(release: Release, user: User) -> QuerySet[ChecklistTick]:
    """What this person ticked of the release as it is now."""
    return ChecklistTick.objects.filter(release=release, by=user, digest=release.digest)


def named(release: Release, ids: Collection[str]) -> list[ChecklistItem]:
    """The items of the release's lists with these ids. Invalid where one is not among them."""
    found = [one for one in asked_of(release) if one.public_id in ids]
    if unknown := set(ids) - {one.public_id for one in found}:
        raise Invalid(
            _("The checklist of this release has no item %(unknown)r.")
            % {"unknown": min(unknown)[:40]}
        )
    return found


def require_all(release: Release, user: User) -> None:
    """Raise unless this person ticked every item for the release as it is now."""
    done = ticked(release, user).values("item")
    if missing := list(asked_of(release).exclude(pk__in=done).values_list("text", flat=True)):
        raise Invalid(
            _("The checklist is not done. Still to look at: %(missing)s.")
            % {"missing": "; ".join(missing)}
        )


def _require(namespace: Namespace | None, by: Caller) -> User:
    if namespace is not None:
        policies.require_admin(namespace, by)
    if by.user is None:
        raise SignInRequired(_("Sign in to change the checklist."))
    if namespace is None and not steps.reviews(by):
        raise NotAllowed(_("Only site maintainers change the checklist of the site."))
    return by.user


def _of(namespace: Namespace | None) -> dict[str, str]:
    return {"namespace": namespace.public_id} if namespace is not None else {}
