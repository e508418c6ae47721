"""Access tokens: made, recognised, revoked. Only a digest is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.contrib.postgres.expressions import ArraySubquery
from django.db import transaction
from django.db.models import OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts import callers
from registry.accounts.callers import Caller
from registry.accounts.models import AccessToken, Membership, Scope, User
from registry.audit import log
from registry.errors import Invalid, InvalidToken
from registry.prepared import Prepared

PREFIX = "hf_"
USE_NOTED_EVERY = timedelta(minutes=5)


@transaction.atomic
def issue(
    *,
    user: User,
    name: str,
    scope: str,
    expires_at: datetime | None = None,
    repositories: list[str] | None = None,
    by: str = "",
) -> tuple[AccessToken, str]:
    """A new token, and its secret text: the one time that anybody sees it."""
    if scope not in Scope.values:
        raise Invalid(
            _("%(scope)r is not a scope; choose read, write or admin.") % {"scope": scope}
        )
    if not name.strip() or len(name) > 100:
        raise Invalid(
            _("Give the token a name of 1 to 100 characters, such as the machine it is for.")
        )
    if expires_at is not None and expires_at <= timezone.now():
        raise Invalid(_("The token would have expired already; choose a later date."))
    secret = PREFIX + secrets.token_urlsafe(32)
    token = AccessToken.objects.create(
        user=user,
        name=name.strip(),
        digest=_digest(secret),
        hint=secret[:7],
        scope=scope,
        repositories=repositories,
        expires_at=expires_at,
    )
    log.record("token.issue", actor=by or user.public_id, subject=token, scope=str(scope))
    return token, secret


def recognise(secret: str, *, request_id: str = "") -> Caller:
    """The caller that a token stands for. Unknown, expired, revoked, closed account: one answer."""
    now = timezone.now()
    token = next(iter(_BY_DIGEST.rows(digest=_digest(secret), now=now)), None)
    if token is None:
        raise InvalidToken("Invalid credentials in Authorization header")
    if token.last_used_at is None or now - token.last_used_at > USE_NOTED_EVERY:
        AccessToken.objects.filter(pk=token.pk).update(last_used_at=now)
    roles = tuple(zip(token.member_of, token.member_as, strict=True))  # type: ignore[attr-defined]
    return callers.of_token(token, request_id=request_id, roles=roles)


def of_id(public_id: str, *, request_id: str = "") -> Caller:
    """The caller of a token that we named in something signed, if the token is still good."""
    token = _valid(timezone.now()).filter(public_id=public_id).first()
    if token is None:
        raise InvalidToken("Invalid credentials in Authorization header")
    return callers.of_token(token, request_id=request_id)


@transaction.atomic
def revoke(token: AccessToken, *, by: Caller) -> None:
    """End a token now. Revoking twice changes nothing."""
    changed = AccessToken.objects.filter(pk=token.pk, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    if changed:
        log.record("token.revoke", actor=by.public_id, subject=token)


def _valid(now: datetime) -> QuerySet[AccessToken]:
    return AccessToken.objects.select_related("user", "user__namespace").filter(
        Q(expires_at=None) | Q(expires_at__gt=now), revoked_at=None, user__is_active=True
    )


def _with_roles(digest: str, now: datetime) -> QuerySet[AccessToken]:
    given = Membership.objects.filter(user=OuterRef("user")).order_by("pk")
    return (
        _valid(now)
        .filter(digest=digest)
        .annotate(
            member_of=ArraySubquery(given.values("namespace")),
            member_as=ArraySubquery(given.values("role")),
        )[:1]
    )


_BY_DIGEST = Prepared(_with_roles)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
