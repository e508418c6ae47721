"""Pages speak the language that a signed-in person chose, and remember which that is."""

import pytest
from django.test import Client

from registry.accounts import languages
from registry.accounts.models import User
from tests import factories

pytestmark = pytest.mark.django_db
FRENCH_BROWSER = {"accept-language": "fr-FR,fr;q=0.9"}


def _stored(user: User) -> str:
    return User.objects.get(pk=user.pk).language


def test_the_switch_remembers_what_the_signed_in_person_chose(client: Client) -> None:
    ada, bob = factories.make_user(), factories.make_user()
    client.force_login(ada)

    client.post("/settings/language", {"language": "fr", "user": bob.pk})

    assert (_stored(ada), _stored(bob)) == ("fr", "")
    client.post("/settings/language", {"language": "tlh"})
    client.get("/settings/language", {"language": "en"})
    assert _stored(ada) == "fr"
    client.post("/settings/language", {"language": "en"})
    assert _stored(ada) == "en"


def test_the_choice_stands_in_the_settings_and_can_be_taken_back(client: Client) -> None:
    ada = factories.make_user()
    client.force_login(ada)
    page, none = "/accounts/email/", 'name="language" value="" checked'
    assert none in client.get(page).text

    client.post("/settings/language", {"language": "fr", "next": page})
    told = client.get(page).text
    assert none not in told
    assert 'name="language" value="fr" checked' in told

    answer = client.post("/settings/language", {"language": "", "next": page})

    assert answer.headers["Location"] == page
    assert _stored(ada) == ""
    again = client.get(page, headers={"accept-language": "en"}).text
    assert none in again
    assert '<html lang="en">' in again


def test_another_browser_speaks_the_language_unless_it_was_told_of_one(client: Client) -> None:
    ada = factories.make_user()
    languages.choose(ada, "fr")
    client.force_login(ada)
    english = {"accept-language": "en"}

    answer = client.get("/", headers=english)

    assert '<html lang="fr">' in answer.text
    assert answer["Content-Language"] == "fr"
    assert '<html lang="fr">' in client.get("/no/such/page", headers=english).text
    assert '<html lang="en">' in Client().get("/", headers=english).text
    client.cookies["django_language"] = "en"
    assert '<html lang="en">' in client.get("/").text
    assert _stored(ada) == "fr"


@pytest.mark.parametrize(
    "path", ["/api/v1/releases/none", "/api/models/no/such", "/no/such/resolve/main/a.txt"]
)
def test_programs_are_answered_alike_whatever_was_chosen(client: Client, path: str) -> None:
    ada = factories.make_user()
    client.force_login(ada)
    said = []
    for language in ("en", "fr"):
        languages.choose(ada, language)
        answer = client.get(path)
        assert answer.status_code in (401, 404)
        said.append((answer.headers.get("X-Error-Message"), answer.content))

    assert said[0] == said[1]


def test_who_signs_in_on_a_french_page_is_written_to_in_french(client: Client) -> None:
    ada, bob, carol = (factories.make_user() for _ in range(3))
    languages.choose(carol, "en")

    for user, headers in ((ada, FRENCH_BROWSER), (bob, {}), (carol, FRENCH_BROWSER)):
        form = {"login": user.username, "password": factories.PASSWORD}
        assert Client().post("/accounts/login/", form, headers=headers).status_code == 302

    assert [_stored(user) for user in (ada, bob, carol)] == ["fr", "", "en"]
