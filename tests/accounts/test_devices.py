"""Device logins: one yes of a person gives one token, and each renewal works once."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from registry.accounts import devices, tokens
from registry.accounts.devices import Codes, Issued, OAuthError
from registry.accounts.models import AccessToken, DeviceLogin, RefreshToken, User
from registry.audit.models import Entry
from registry.errors import Invalid, InvalidToken, Missing, NotAllowed, SignInRequired, TooMany
from tests.factories import as_caller, make_user
from tests.refusals import at_once, refused_by

pytestmark = pytest.mark.django_db


def begin() -> Codes:
    return devices.begin(client="hf/2.4.0", address="192.0.2.1")


def let_in(user: User, scope: str = "write") -> Issued:
    codes = begin()
    devices.allow(codes.user, scope=scope, by=as_caller(user))
    issued = devices.redeem(codes.device)
    assert isinstance(issued, Issued)
    return issued


def code_of(outcome: Any) -> str:
    assert isinstance(outcome, OAuthError)
    return outcome.code


def test_one_yes_gives_a_token_that_acts_for_the_person() -> None:
    codes, ada = begin(), make_user("ada")
    assert code_of(devices.redeem(codes.device)) == "authorization_pending"

    devices.allow(f" {codes.user.lower().replace('-', ' ')} ", scope="write", by=as_caller(ada))
    issued = devices.redeem(codes.device)

    assert isinstance(issued, Issued)
    caller = tokens.recognise(issued.access)
    assert (caller.user, caller.scope) == (ada, "write")
    token = AccessToken.objects.get()
    assert token.expires_at is not None
    assert token.expires_at - timezone.now() < timedelta(days=31)
    assert code_of(devices.redeem(codes.device)) == "invalid_grant"
    assert Entry.objects.filter(event="device-login.allow", actor=ada.public_id).exists()


def test_no_secret_is_kept_as_it_is() -> None:
    issued = let_in(make_user())
    codes = begin()

    kept = repr(list(DeviceLogin.objects.values()) + list(RefreshToken.objects.values()))
    for secret in (codes.device, codes.user, issued.access, issued.refresh):
        assert secret not in kept


def test_no_is_no() -> None:
    codes, by = begin(), as_caller(make_user())
    devices.deny(codes.user, by=by)

    assert code_of(devices.redeem(codes.device)) == "access_denied"
    with pytest.raises(Missing):
        devices.allow(codes.user, scope="write", by=by)


def test_codes_end() -> None:
    codes = begin()
    DeviceLogin.objects.update(expires_at=timezone.now())

    assert code_of(devices.redeem(codes.device)) == "expired_token"
    with pytest.raises(Missing):
        devices.find(codes.user, by=as_caller(make_user()))


def test_asking_too_often_is_slowed_down() -> None:
    codes = begin()

    outcomes = [code_of(devices.redeem(codes.device)) for _ in range(2)]

    assert outcomes == ["authorization_pending", "slow_down"]


def test_only_a_person_in_a_browser_lets_a_program_in() -> None:
    codes, ada = begin(), make_user()

    with pytest.raises(SignInRequired):
        devices.find(codes.user, by=replace(as_caller(ada), user=None))
    with pytest.raises(NotAllowed):
        devices.allow(codes.user, scope="write", by=replace(as_caller(ada), token="a" * 24))
    with pytest.raises(Invalid):
        devices.allow(codes.user, scope="admin", by=as_caller(ada))


def test_a_wrong_code_is_nobodys() -> None:
    begin()

    with pytest.raises(Missing):
        devices.find("BCDF-GHJK", by=as_caller(make_user()))
    assert code_of(devices.redeem("no")) == "invalid_grant"


def test_a_refresh_token_works_once_and_reuse_ends_everything() -> None:
    first = let_in(make_user(), "read")
    second = devices.renew(first.refresh)
    assert isinstance(second, Issued)
    assert tokens.recognise(second.access).scope == "read"
    assert tokens.recognise(first.access)  # what is under way goes on

    assert code_of(devices.renew(first.refresh)) == "invalid_grant"

    for issued in (first, second):
        with pytest.raises(InvalidToken):
            tokens.recognise(issued.access)
    assert code_of(devices.renew(second.refresh)) == "invalid_grant"
    assert Entry.objects.filter(event="device-login.reuse").count() == 1


def test_a_revoked_token_is_not_renewed() -> None:
    ada = make_user()
    issued = let_in(ada)
    tokens.revoke(AccessToken.objects.get(), by=as_caller(ada))

    assert code_of(devices.renew(issued.refresh)) == "invalid_grant"


def test_a_closed_account_gets_no_token() -> None:
    ada = make_user()
    issued, codes = let_in(ada), begin()
    devices.allow(codes.user, scope="write", by=as_caller(ada))
    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert code_of(devices.redeem(codes.device)) == "access_denied"
    assert code_of(devices.renew(issued.refresh)) == "invalid_grant"


def test_few_sign_ins_are_open_from_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "MOST_OPEN_FROM_AN_ADDRESS", 2)
    begin()
    begin()

    with pytest.raises(TooMany):
        begin()
    assert devices.begin(client="hf", address="192.0.2.2")


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_at_once_get_one_token() -> None:
    codes = begin()
    devices.allow(codes.user, scope="write", by=as_caller(make_user()))

    outcomes = at_once(*[lambda: devices.redeem(codes.device)] * 3)
    issued = next(one for one in outcomes if isinstance(one, Issued))
    renewed = at_once(*[lambda: devices.renew(issued.refresh)] * 3)

    assert sum(isinstance(one, Issued) for one in outcomes) == 1
    assert sum(isinstance(one, Issued) for one in renewed) == 1


def test_a_login_is_not_allowed_and_denied() -> None:
    begin()
    with refused_by("device_login_is_not_allowed_and_denied"):
        DeviceLogin.objects.update(allowed_by=make_user(), denied_at=timezone.now())


def test_a_login_is_used_once_it_was_allowed() -> None:
    begin()
    with refused_by("device_login_is_used_once_allowed"):
        DeviceLogin.objects.update(used_at=timezone.now())
