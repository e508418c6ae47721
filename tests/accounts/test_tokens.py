"""Access tokens: shown once, kept as a digest, refused once they are over."""

import hashlib
from datetime import timedelta

import pytest
from django.db import models
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken, Scope
from registry.audit.models import Entry
from registry.errors import Invalid, InvalidToken
from tests import factories

pytestmark = pytest.mark.django_db


def test_a_token_stands_for_its_person_with_its_scope():
    user = factories.make_user()
    secret = factories.make_token(user, Scope.WRITE)

    caller = tokens.recognise(secret, request_id="some-request")

    assert (caller.user, caller.scope, caller.repositories) == (user, "write", None)
    assert caller.token == AccessToken.objects.get().public_id
    assert caller.request_id == "some-request"


def test_the_secret_is_kept_nowhere_but_as_a_digest():
    secret = factories.make_token(factories.make_user())

    row = AccessToken.objects.get()
    columns = [field for field in row._meta.fields if not isinstance(field, models.ForeignKey)]
    assert all(secret not in str(getattr(row, field.name)) for field in columns)
    assert row.digest == hashlib.sha256(secret.encode()).hexdigest()
    assert len(row.hint) <= 7
    entries = Entry.objects.values_list("details", flat=True)
    assert all(secret not in str(details) for details in entries)


def test_tokens_are_prefixed_long_and_all_different():
    user = factories.make_user()

    secrets = {factories.make_token(user) for _ in range(20)}

    assert len(secrets) == 20
    assert all(secret.startswith("hf_") and len(secret) > 40 for secret in secrets)


def test_a_token_ends_at_its_end_and_not_before():
    now = timezone.now()
    secret = factories.make_token(factories.make_user(), expires_at=now + timedelta(hours=1))
    assert tokens.recognise(secret).is_signed_in

    AccessToken.objects.update(expires_at=timezone.now())

    with pytest.raises(InvalidToken):
        tokens.recognise(secret)


@pytest.mark.parametrize(
    "over",
    [
        {"revoked_at": "2020-01-01T00:00:00Z"},
        {"expires_at": "2020-01-01T00:00:00Z"},
    ],
)
def test_a_token_that_is_over_is_refused(over):
    secret = factories.make_token(factories.make_user())
    AccessToken.objects.update(**over)

    with pytest.raises(InvalidToken):
        tokens.recognise(secret)


@pytest.mark.parametrize("secret", ["", "hf_", "hf_unknown", "\0", "é" * 500])
def test_what_was_never_a_token_is_refused(secret):
    with pytest.raises(InvalidToken):
        tokens.recognise(secret)


def test_the_token_of_a_closed_account_is_refused():
    user = factories.make_user()
    secret = factories.make_token(user)
    user.is_active = False
    user.save()

    with pytest.raises(InvalidToken):
        tokens.recognise(secret)


def test_refusals_of_all_kinds_are_the_same_sentence():
    user = factories.make_user()
    expired, revoked = factories.make_token(user), factories.make_token(user)
    newest, oldest = AccessToken.objects.order_by("-pk")
    tokens.revoke(newest, by=factories.as_caller(user))
    AccessToken.objects.filter(pk=oldest.pk).update(expires_at=timezone.now())

    sentences = set()
    for secret in (expired, revoked, "hf_unknown"):
        with pytest.raises(InvalidToken) as caught:
            tokens.recognise(secret)
        sentences.add(str(caught.value))
    assert len(sentences) == 1


def test_revoking_is_recorded_once():
    user = factories.make_user()
    factories.make_token(user)
    token = AccessToken.objects.get()

    tokens.revoke(token, by=factories.as_caller(user))
    first = AccessToken.objects.get().revoked_at
    tokens.revoke(token, by=factories.as_caller(user))

    assert AccessToken.objects.get().revoked_at == first
    assert Entry.objects.filter(event="token.revoke").count() == 1


def test_the_last_use_is_noted_but_not_at_each_request(django_assert_num_queries):
    secret = factories.make_token(factories.make_user())
    tokens.recognise(secret)
    used = AccessToken.objects.get().last_used_at
    assert used is not None

    with django_assert_num_queries(1):
        tokens.recognise(secret)

    assert AccessToken.objects.get().last_used_at == used


def test_a_token_limited_to_repositories_reaches_those_alone():
    user = factories.make_user()
    repository, other = factories.make_repository(user), factories.make_repository(user)
    secret = factories.make_token(user, repositories=[repository.public_id])

    caller = tokens.recognise(secret)

    assert caller.reaches(repository.public_id)
    assert not caller.reaches(other.public_id)


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": "everything"},
        {"name": " "},
        {"name": "n" * 101},
        {"expires_at": timezone.now() - timedelta(days=1)},
    ],
)
def test_a_token_that_makes_no_sense_is_not_made(wrong):
    wanted = {"user": factories.make_user(), "name": "laptop", "scope": "read"} | wrong

    with pytest.raises(Invalid):
        tokens.issue(**wanted)

    assert not AccessToken.objects.exists()
