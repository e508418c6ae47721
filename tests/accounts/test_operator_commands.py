"""`manage.py user`, `token` and `namespace`: one value on stdout, a sentence on stderr."""

import io
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken, Membership, Namespace, User
from registry.audit.models import Entry

pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    [line] = out.getvalue().splitlines()
    return line


def _ada() -> str:
    return _run("user", "add", "ada", "--email", "ada@example.org")


def test_a_person_is_made_and_their_public_id_printed():
    printed = _run(
        "user", "add", "ada", "--email", "ada@example.org", "--full-name", "Ada",
        "--site-role", "maintainer",
    )  # fmt: skip

    user = User.objects.get(username="ada")
    assert printed == user.public_id
    assert (user.full_name, user.site_role) == ("Ada", "maintainer")
    assert not user.has_usable_password()


def test_the_password_comes_from_the_standard_input(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse battery\n"))

    _run("user", "add", "ada", "--email", "ada@example.org", "--password-stdin")

    assert User.objects.get(username="ada").check_password("correct horse battery")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [("\n", "had no password in it"), ("short\n", "too short"), ("password123\n", "too common")],
)
def test_a_bad_password_makes_nobody(monkeypatch: pytest.MonkeyPatch, typed: str, sentence: str):
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    with pytest.raises(CommandError, match=sentence):
        _run("user", "add", "ada", "--email", "ada@example.org", "--password-stdin")
    assert not User.objects.exists()


def test_a_taken_name_is_refused():
    _ada()
    with pytest.raises(CommandError, match="'ADA' is taken"):
        _run("user", "add", "ADA", "--email", "other@example.org")


def test_what_is_no_address_is_refused():
    with pytest.raises(CommandError, match="not an e-mail address"):
        _run("user", "add", "ada", "--email", "nonsense")


def test_a_token_is_printed_and_works():
    _ada()

    secret = _run("token", "add", "ada", "--scope", "write")

    caller = tokens.recognise(secret)
    assert caller.user is not None
    assert (caller.user.username, caller.scope) == ("ada", "write")


def test_a_token_may_be_made_for_some_days():
    _ada()

    _run("token", "add", "ada", "--scope", "read", "--days", "2")

    until = AccessToken.objects.get().expires_at
    assert until is not None
    assert timedelta(days=1) < until - timezone.now() < timedelta(days=2)
    for days in ("0", "9999999"):
        with pytest.raises(CommandError, match="days"):
            _run("token", "add", "ada", "--scope", "read", "--days", days)


def test_nobody_gets_a_token_for_an_account_that_is_not_there_or_closed():
    with pytest.raises(CommandError, match="no open account named 'bob'"):
        _run("token", "add", "bob", "--scope", "read")
    _ada()
    User.objects.update(is_active=False)
    with pytest.raises(CommandError, match="no open account named 'ada'"):
        _run("token", "add", "ada", "--scope", "read")


def test_an_unknown_scope_is_refused():
    _ada()
    with pytest.raises(CommandError, match="invalid choice: 'root'"):
        _run("token", "add", "ada", "--scope", "root")


def test_an_organisation_is_made_with_its_admin():
    _ada()

    printed = _run("namespace", "add", "lab", "--owner", "ada", "--full-name", "The Lab")

    lab = Namespace.objects.get(name="lab")
    assert printed == lab.public_id
    membership = Membership.objects.get(namespace=lab)
    assert (membership.user.username, membership.role) == ("ada", "admin")


def test_an_organisation_needs_an_owner_who_is_there():
    with pytest.raises(CommandError, match="no open account named 'ada'"):
        _run("namespace", "add", "lab", "--owner", "ada")
    assert not Namespace.objects.exists()


def test_a_service_account_has_tokens_and_nothing_to_sign_in_with():
    _run("user", "add", "ci-bot", "--service-account")
    secret = _run("token", "add", "ci-bot", "--scope", "read")

    user = tokens.recognise(secret).user
    assert user is not None
    assert (user.is_service, user.email, user.has_usable_password()) == (True, "", False)


def test_a_service_account_cannot_be_a_maintainer():
    with pytest.raises(CommandError, match="no site role"):
        _run("user", "add", "ci-bot", "--service-account", "--site-role", "maintainer")

    assert not User.objects.exists()


def test_somebody_becomes_a_maintainer_and_none_again():
    key = _ada()

    assert _run("user", "role", "Ada", "maintainer") == key
    assert User.objects.get().site_role == "maintainer"
    _run("user", "role", "ada", "maintainer")
    _run("user", "role", "ada", "none")

    assert User.objects.get().site_role == ""
    given = Entry.objects.filter(event="person.set-site-role", subject=key).order_by("sequence")
    assert [entry.details["site_role"] for entry in given] == ["maintainer", ""]


def test_the_last_steward_stays_one():
    _run("user", "add", "ada", "--email", "ada@example.org", "--site-role", "steward")
    with pytest.raises(CommandError, match="last steward"):
        _run("user", "role", "ada", "maintainer")

    _run("user", "add", "bob", "--email", "bob@example.org", "--site-role", "steward")
    _run("user", "role", "ada", "maintainer")

    assert User.objects.get(username="ada").site_role == "maintainer"


def test_a_role_is_given_to_people_who_are_there():
    _run("user", "add", "ci-bot", "--service-account")
    with pytest.raises(CommandError, match="open account of a person"):
        _run("user", "role", "ci-bot", "maintainer")
    with pytest.raises(CommandError, match="nobody called eve"):
        _run("user", "role", "eve", "maintainer")
