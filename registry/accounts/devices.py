"""Signing in a program by a code that a person types elsewhere (RFC 8628), and renewing its token."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from registry.accounts import tokens
from registry.accounts.callers import Caller
from registry.accounts.models import AccessToken, DeviceLogin, RefreshToken, Scope, User
from registry.audit import log
from registry.errors import Invalid, Missing, NotAllowed, SignInRequired, TooMany

CODE_LIFETIME = timedelta(minutes=15)
TOKEN_LIFETIME = timedelta(days=30)
REFRESH_LIFETIME = timedelta(days=90)
INTERVAL_SECONDS = 5
MOST_OPEN_FROM_AN_ADDRESS = 30
# No vowels, so that no code is a word, and nothing that is read as something else
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
KEPT = timedelta(days=1)


class OAuthError(Exception):
    """A refusal in the words of OAuth: `code` is what programs read."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.description = description


@dataclass(frozen=True)
class Codes:
    """What the program keeps, and what its person types."""

    device: str
    user: str


@dataclass(frozen=True)
class Issued:
    access: str
    refresh: str

    @property
    def seconds(self) -> int:
        return int(TOKEN_LIFETIME.total_seconds())


def begin(*, client: str, address: str) -> Codes:
    """Two new codes. Few may be open from one address at a time."""
    now = timezone.now()
    recent = DeviceLogin.objects.filter(address=address[:64], created_at__gt=now - CODE_LIFETIME)
    if recent.count() >= MOST_OPEN_FROM_AN_ADDRESS:
        raise TooMany(
            _("Too many sign-ins were begun from this address; wait a while."), seconds=300
        )
    DeviceLogin.objects.filter(used_at=None, expires_at__lt=now - KEPT).delete()
    codes = Codes(secrets.token_urlsafe(32), _new_user_code())
    DeviceLogin.objects.create(
        device_digest=_digest(codes.device),
        user_digest=_user_digest(codes.user),
        client=client.strip()[:100] or "a program",
        address=address[:64],
        expires_at=now + CODE_LIFETIME,
    )
    return codes


def find(user_code: str, *, by: Caller) -> DeviceLogin:
    """The sign-in that a code is of, for a person to decide on."""
    _require_person(by)
    found = DeviceLogin.objects.filter(
        user_digest=_user_digest(user_code),
        expires_at__gt=timezone.now(),
        allowed_by=None,
        denied_at=None,
    ).first()
    if found is None:
        raise Missing(
            _("No program waits for this code: it is mistyped, used or older than 15 min.")
        )
    return found


@transaction.atomic
def allow(user_code: str, *, scope: str, by: Caller) -> DeviceLogin:
    """Have the program that waits act for this person."""
    if scope not in {Scope.READ, Scope.WRITE}:
        raise Invalid(_("Choose whether the program may read or also write."))
    found = _locked(find(user_code, by=by), user_code, by)
    found.allowed_by, found.scope = by.user, scope
    found.save(update_fields=["allowed_by", "scope"])
    log.record("device-login.allow", actor=by.public_id, subject=found, scope=scope)
    return found


@transaction.atomic
def deny(user_code: str, *, by: Caller) -> DeviceLogin:
    found = _locked(find(user_code, by=by), user_code, by)
    found.denied_at = timezone.now()
    found.save(update_fields=["denied_at"])
    log.record("device-login.deny", actor=by.public_id, subject=found)
    return found


@transaction.atomic
def redeem(device_code: str) -> Issued | OAuthError:
    """The tokens of a sign-in that was allowed, once; else why not yet, or not at all. What is
    refused is an answer and not raised, because asking is noted in either case."""
    now = timezone.now()
    found = (
        DeviceLogin.objects.select_for_update(of=("self",))
        .select_related("allowed_by")
        .filter(device_digest=_digest(device_code))
        .first()
    )
    if found is None or found.used_at is not None:
        return OAuthError("invalid_grant", "This code is unknown or was used.")
    if found.denied_at is not None:
        return OAuthError("access_denied", "The person said no.")
    if found.expires_at <= now:
        return OAuthError("expired_token", "The code is too old; begin again.")
    last, found.polled_at = found.polled_at, now
    found.save(update_fields=["polled_at"])
    if found.allowed_by is None:
        too_soon = last is not None and now - last < timedelta(seconds=INTERVAL_SECONDS - 1)
        return OAuthError("slow_down" if too_soon else "authorization_pending")
    if not found.allowed_by.is_active:
        return OAuthError("access_denied", "The account is closed.")
    found.used_at = now
    found.save(update_fields=["used_at"])
    return _issue(found, found.allowed_by)


@transaction.atomic
def renew(refresh_token: str) -> Issued | OAuthError:
    """The next tokens for a refresh token, once. One that comes again was stolen, or is in two
    hands: then everything that came of the sign-in ends."""
    refused = OAuthError("invalid_grant", "This refresh token is unknown, used or ended.")
    now = timezone.now()
    found = RefreshToken.objects.filter(digest=_digest(refresh_token)).first()
    if found is None:
        return refused
    login = DeviceLogin.objects.select_for_update(of=("self",)).get(pk=found.login_id)
    found = RefreshToken.objects.select_related("token__user").get(pk=found.pk)
    if found.used_at is not None:
        _end(login)
        return refused
    token = found.token
    if found.expires_at <= now or token.revoked_at is not None or not token.user.is_active:
        return refused
    found.used_at = now
    found.save(update_fields=["used_at"])
    return _issue(login, token.user)


def _issue(login: DeviceLogin, user: User) -> Issued:
    now = timezone.now()
    token, secret = tokens.issue(
        user=user,
        name=f"device login {login.created_at:%Y-%m-%d} {login.public_id[:6]}",
        scope=login.scope,
        expires_at=now + TOKEN_LIFETIME,
    )
    refresh = "hf_refresh_" + secrets.token_urlsafe(32)
    RefreshToken.objects.create(
        login=login, token=token, digest=_digest(refresh), expires_at=now + REFRESH_LIFETIME
    )
    return Issued(secret, refresh)


def _end(login: DeviceLogin) -> None:
    ended = AccessToken.objects.filter(refresh__login=login, revoked_at=None)
    if ended.update(revoked_at=timezone.now()):
        log.record("device-login.reuse", actor="", subject=login)


def _locked(found: DeviceLogin, user_code: str, by: Caller) -> DeviceLogin:
    """The sign-in, once nobody else decides on it."""
    DeviceLogin.objects.select_for_update().get(pk=found.pk)
    return find(user_code, by=by)


def _require_person(by: Caller) -> None:
    if by.user is None:
        raise SignInRequired(_("Sign in to let a program in."))
    if by.token:
        raise NotAllowed(_("Only a person in a browser lets a program in."))


def _new_user_code() -> str:
    letters = "".join(secrets.choice(LETTERS) for _ in range(8))
    return f"{letters[:4]}-{letters[4:]}"


def _user_digest(user_code: str) -> str:
    """With the site's key: eight letters could be tried out otherwise."""
    plain = "".join(letter for letter in user_code.upper() if letter in LETTERS)
    salt = "registry.accounts.devices"
    return salted_hmac(salt, plain, secret=settings.SECRET_KEY, algorithm="sha256").hexdigest()


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
