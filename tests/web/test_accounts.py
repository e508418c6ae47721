"""Sign-up, sign-in and passwords, through allauth and our rules."""

import re

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from pytest_django import Settings

from registry.accounts.models import Namespace, User
from tests import factories

pytestmark = pytest.mark.django_db
PASSWORD = factories.PASSWORD


def _sign_up(client: Client, username: str, email: str = "") -> object:
    return client.post(
        "/accounts/signup/",
        {
            "username": username,
            "email": email or f"{username}@example.org",
            "password1": PASSWORD,
            "password2": PASSWORD,
        },
    )


def test_who_signs_up_gets_a_namespace_and_is_signed_in(client: Client) -> None:
    answer = _sign_up(client, "ada")

    assert answer.status_code == 302  # type: ignore[attr-defined]
    user = User.objects.get(username="ada")
    assert user.namespace.name == "ada"
    assert client.session["_auth_user_id"] == str(user.pk)


@pytest.mark.parametrize("username", ["settings", "API", "docs", "a--b", "-a", "a/b", "refs"])
def test_a_name_of_the_site_or_out_of_shape_is_refused(client: Client, username: str) -> None:
    answer = _sign_up(client, username, "ada@example.org")

    assert answer.status_code == 200  # type: ignore[attr-defined]
    assert "cannot be used" in answer.content.decode()  # type: ignore[attr-defined]
    assert not User.objects.exists()


def test_the_name_of_an_organisation_is_taken_in_any_case(client: Client) -> None:
    factories.make_organisation("Lab")

    _sign_up(client, "lab")

    assert not User.objects.filter(username="lab").exists()
    assert Namespace.objects.filter(name__iexact="lab").count() == 1


def test_closed_sign_up_makes_nobody(client: Client, settings: Settings) -> None:
    settings.SIGNUP_OPEN = False

    answer = _sign_up(client, "ada")

    assert "Sign-up is closed" in answer.content.decode()  # type: ignore[attr-defined]
    assert not User.objects.exists()


@pytest.mark.parametrize("login", ["ada", "ada@example.org"])
def test_sign_in_by_name_or_address(client: Client, login: str) -> None:
    factories.make_user("ada")

    answer = client.post("/accounts/login/", {"login": login, "password": PASSWORD})

    assert answer.status_code == 302
    assert "_auth_user_id" in client.session


def test_sign_in_returns_to_where_the_person_was(client: Client) -> None:
    factories.make_user("ada")

    answer = client.post(
        "/accounts/login/?next=/settings/tokens",
        {"login": "ada", "password": PASSWORD, "next": "/settings/tokens"},
    )

    assert answer["Location"] == "/settings/tokens"


def test_sign_in_leads_to_no_other_site(client: Client) -> None:
    factories.make_user("ada")

    answer = client.post(
        "/accounts/login/",
        {"login": "ada", "password": PASSWORD, "next": "https://elsewhere.example/"},
    )

    assert answer["Location"] == "/"


def test_a_wrong_password_signs_nobody_in(client: Client) -> None:
    factories.make_user("ada")

    answer = client.post("/accounts/login/", {"login": "ada", "password": "not this one"})

    assert answer.status_code == 200
    assert "_auth_user_id" not in client.session


def test_signing_out_is_a_post(client: Client) -> None:
    client.force_login(factories.make_user())

    client.get("/accounts/logout/")
    assert "_auth_user_id" in client.session

    client.post("/accounts/logout/")
    assert "_auth_user_id" not in client.session


def test_a_forgotten_password_is_replaced_by_mail(client: Client) -> None:
    user = factories.make_user("ada")

    client.post("/accounts/password/reset/", {"email": user.email})
    link = re.search(r"https?://\S+?(/accounts/password/reset/key/\S+)", mail.outbox[0].body)
    assert link is not None
    form = client.get(link[1], follow=True)
    new = "another-long-passphrase"
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})

    user.refresh_from_db()
    assert user.check_password(new)


def _addresses(client: Client, step: str, email: str) -> str:
    answer = client.post("/accounts/email/", {f"action_{step}": "", "email": email}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("email", ["bob@example.org", "BOB@example.org", "other@example.org"])
def test_the_address_of_somebody_else_cannot_be_added(client: Client, email: str) -> None:
    bob = factories.make_user("bob")
    EmailAddress.objects.create(user=bob, email="other@example.org", verified=True)
    client.force_login(ada := factories.make_user("ada"))

    page = _addresses(client, "add", email)
    _addresses(client, "primary", email)

    assert "You cannot use this e-mail address" in page
    assert "bob@" not in page.replace(email, "")
    assert not EmailAddress.objects.filter(user=ada, email__iexact=email).exists()
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_an_address_that_somebody_took_meanwhile_does_not_become_primary(client: Client) -> None:
    client.force_login(ada := factories.make_user("ada"))
    _addresses(client, "add", "bob@example.org")
    mine = EmailAddress.objects.get(user=ada, email="bob@example.org")
    factories.make_user("bob")

    page = _addresses(client, "primary", "bob@example.org")
    link = re.search(r"https?://\S+?(/accounts/confirm-email/\S+)", mail.outbox[-1].body)
    assert link is not None
    confirmed = client.post(link[1], follow=True)

    assert "You cannot use this e-mail address" in page
    assert confirmed.status_code == 200
    mine.refresh_from_db()
    assert (mine.primary, mine.verified) == (False, False)
    ada.refresh_from_db()
    assert ada.email == "ada@example.org"


def test_the_only_address_is_not_offered_to_become_what_it_is(client: Client) -> None:
    client.force_login(factories.make_user("ada"))

    alone = client.get("/accounts/email/").text
    both = _addresses(client, "add", "ada@new.example")

    assert "ada@example.org" in alone
    assert 'name="action_primary"' not in alone
    assert 'name="action_primary"' in both


def test_people_change_their_own_address(client: Client) -> None:
    client.force_login(ada := factories.make_user("ada"))

    _addresses(client, "add", "ada@new.example")
    _addresses(client, "primary", "ada@new.example")

    ada.refresh_from_db()
    assert ada.email == "ada@new.example"


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/login/",
        "/accounts/signup/",
        "/accounts/password/reset/",
        "/accounts/password/reset/done/",
        "/accounts/password/reset/key/x-y/",
        "/accounts/confirm-email/",
        "/accounts/inactive/",
    ],
)
def test_pages_of_accounts_have_our_frame(client: Client, path: str) -> None:
    page = client.get(path, follow=True)

    assert page.status_code == 200
    assert 'class="site-header"' in page.text
    assert "style=" not in page.text


@pytest.mark.parametrize(
    "path",
    [
        "/accounts/logout/",
        "/accounts/email/",
        "/accounts/password/change/",
        "/accounts/reauthenticate/",
    ],
)
def test_pages_of_a_signed_in_person_have_our_frame(client: Client, path: str) -> None:
    client.force_login(factories.make_user())

    page = client.get(path, follow=True)

    assert page.status_code == 200
    assert 'class="site-header"' in page.text
    assert "<script>" not in page.text


@pytest.mark.parametrize(
    ("path", "labels"),
    [
        ("/accounts/login/", ["User name or e-mail address", "Password"]),
        ("/accounts/signup/", ["User name", "E-mail address", "Password again"]),
        ("/accounts/password/reset/", ["E-mail address"]),
        ("/accounts/password/change/", ["Current password", "New password", "New password again"]),
        ("/accounts/email/", ["E-mail address"]),
    ],
)
def test_forms_of_accounts_have_labels_in_our_words_and_none_inside_a_field(
    client: Client, path: str, labels: list[str]
) -> None:
    if "change" in path or "email" in path:
        client.force_login(factories.make_user())

    page = client.get(path).text

    for label in labels:
        assert re.search(rf"<label[^>]*>\s*{label}", page), label
    assert "placeholder" not in page


def test_a_link_for_a_password_that_is_over_leads_to_another(client: Client) -> None:
    page = client.get("/accounts/password/reset/key/x-y/").text

    assert "This link is over" in page
    assert 'href="/accounts/password/reset/"' in page
