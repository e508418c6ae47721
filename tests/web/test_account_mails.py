"""The mails about an account itself are in the language that its person chose, whoever asks."""

import pytest
from django.core import mail
from django.test import Client

from registry.accounts import languages
from tests import factories

pytestmark = pytest.mark.django_db
FRENCH, ENGLISH = {"accept-language": "fr"}, {"accept-language": "en"}


def _asked_by_a_stranger(email: str, headers: dict[str, str]) -> str:
    mail.outbox.clear()
    Client().post("/accounts/password/reset/", {"email": email}, headers=headers)
    [sent] = mail.outbox
    assert sent.to == [email]
    return f"{sent.subject}\n{sent.body}"


def test_a_reset_that_a_stranger_asks_for_is_in_the_language_of_the_person() -> None:
    ada, bob = factories.make_user(), factories.make_user()
    languages.choose(ada, "fr")
    languages.choose(bob, "en")

    assert "réinitialisation" in _asked_by_a_stranger(ada.email, ENGLISH)
    assert "Password Reset" in _asked_by_a_stranger(bob.email, FRENCH)


def test_where_nothing_was_chosen_or_nobody_is_known_the_mail_is_in_the_language_of_the_page() -> (
    None
):
    carol = factories.make_user()

    assert "réinitialisation" in _asked_by_a_stranger(carol.email, FRENCH)
    assert "Password Reset" in _asked_by_a_stranger(carol.email, ENGLISH)
    assert "Compte inconnu" in _asked_by_a_stranger("nobody@example.org", FRENCH)


def test_who_signs_up_on_a_french_page_is_written_to_in_french() -> None:
    form = {"username": "marie-c", "email": "marie@example.org"}
    form |= {"password1": factories.PASSWORD, "password2": factories.PASSWORD}
    client = Client()

    client.post("/accounts/signup/", form, headers=FRENCH)

    [sent] = mail.outbox
    assert "Confirmez votre adresse" in sent.subject
    answer = client.get("/", headers=ENGLISH)
    assert '<html lang="fr">' in answer.text
