"""Closing an account for good: nobody acts by it any more, and nothing in it says who they were."""

from dataclasses import dataclass
from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from registry.accounts import people
from registry.accounts.models import (
    AccessToken,
    DeviceLogin,
    Membership,
    Namespace,
    ReservedName,
    SiteRole,
    User,
)
from registry.audit import log
from registry.errors import Conflict


@dataclass(frozen=True)
class Closed:
    """What the account was reached by, and the organisations that are left without an admin."""

    addresses: list[str]
    orphaned: list[Namespace]


@transaction.atomic
def close(user: User, *, by: str, keeps_address: bool, now: datetime) -> Closed:
    """End every way in, and empty name and addresses. The person is called by a part of their id
    from then on, and the old name stays reserved. `keeps_address` leaves the namespace its name,
    for the repositories that others fetch from it.

    Everything is locked before the first entry of the audit log, for which all others wait.
    """
    user = User.objects.select_for_update(no_key=True, of=("self",)).get(pk=user.pk)
    if not user.is_active:
        raise Conflict(_("This account is closed already."))
    people.keep_a_steward(user)
    memberships, orphaned = _memberships(user)
    revoked = _lock_out(user, now)
    addresses = _forget(user, keeps_address=keeps_address)
    for token in revoked:
        log.record("token.revoke", actor=by, subject=token)
    for membership in memberships:
        log.record(
            "member.remove",
            actor=by,
            subject=membership.namespace,
            member=user.public_id,
            role=membership.role,
        )
    log.record(
        "person.close",
        actor=by,
        subject=user,
        without_admin=[namespace.public_id for namespace in orphaned],
    )
    return Closed(addresses, orphaned)


def name_of_closed(user: User) -> str:
    """What somebody is called who is nobody any more."""
    return f"closed-{user.public_id[:12]}"


def _memberships(user: User) -> tuple[list[Membership], list[Namespace]]:
    """End the memberships. Those of whom nobody is left to administer pass to the stewards."""
    theirs = Namespace.objects.filter(memberships__user=user)
    locked = Namespace.objects.select_for_update(no_key=True).filter(pk__in=theirs.values("pk"))
    orphaned = [one for one in locked.order_by("pk") if people.is_last_admin(one, user)]
    memberships = list(user.memberships.select_for_update(of=("self",)).select_related("namespace"))
    Membership.objects.filter(pk__in=[one.pk for one in memberships]).delete()
    return memberships, orphaned


def _lock_out(user: User, now: datetime) -> list[AccessToken]:
    """End tokens and sessions. What a token was called may say who they were."""
    tokens = AccessToken.objects.filter(user=user)
    revoked = list(tokens.filter(revoked_at=None).order_by("pk").select_for_update(of=("self",)))
    AccessToken.objects.filter(pk__in=[token.pk for token in revoked]).update(revoked_at=now)
    tokens.update(name="")
    DeviceLogin.objects.filter(allowed_by=user).update(address="", client="")
    for session in Session.objects.filter(expire_date__gte=now).iterator(chunk_size=500):
        if session.get_decoded().get("_auth_user_id") == str(user.pk):
            session.delete()
    return revoked


def _forget(user: User, *, keeps_address: bool) -> list[str]:
    verified = EmailAddress.objects.filter(user=user)
    addresses = sorted({*verified.values_list("email", flat=True), user.email} - {""})
    verified.delete()
    namespace, name = user.namespace, name_of_closed(user)
    namespace.full_name = ""
    if not keeps_address:
        namespace.name = name
    namespace.save(update_fields=["name", "full_name"])
    ReservedName.objects.get_or_create(folded=name, defaults={"namespace": namespace})
    user.username, user.email, user.full_name, user.language = name, "", "", ""
    user.is_active, user.site_role, user.last_login = False, SiteRole.NONE, None
    user.set_unusable_password()
    user.save()
    return addresses
