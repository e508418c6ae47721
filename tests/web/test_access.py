"""Asking for access and deciding about it on pages, as browsers send it."""

import json

import pytest
from django.test import Client

from registry.accounts.models import Role, User
from registry.agreements import locks, requests
from registry.catalog.models import Gated, Repository
from tests import factories
from tests.agreements.access import ASKING_CARD, ask, make_gated, owner_of, set_mode
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(client: Client) -> User:
    user = factories.make_user("bob")
    client.force_login(user)
    return user


def _page(client: Client, repository: Repository, what: str = "access") -> str:
    return client.get(f"/{repository}/{what}").text


def test_a_reader_is_led_from_the_card_to_the_form_and_asks(client: Client, bob: User) -> None:
    repository = make_gated(card=ASKING_CARD).repository

    card = client.get(f"/{repository}").text
    form = form_to(_page(client, repository), "")
    answers = {"answer0": "ACME", "answer1": "other", "answer2": "on"}
    answer = client.post(f"/{repository}/access", form.filled(**answers))

    assert f'href="/{repository}/access"' in card
    assert answer["Location"] == f"/{repository}/access"
    assert "Your request waits for the publisher." in _page(client, repository)
    request = requests.newest(repository, bob)
    assert requests.answers_of(request) == {
        "Affiliation": "ACME",
        "Purpose": "other",
        "I agree": "true",
    }


def test_answers_that_do_not_fit_are_shown_again_with_what_was_typed(
    client: Client, bob: User
) -> None:
    repository = make_gated(card=ASKING_CARD).repository

    page = client.post(f"/{repository}/access", {"answer0": "ACME <b>", "answer1": "nonsense"})

    assert page.status_code == 422
    assert page.text.count('class="errors"') == 2
    assert form_to(page.text, "").values["answer0"] == "ACME <b>"
    assert requests.newest(repository, bob) is None


def test_the_publishers_words_are_shown_and_run_nothing(client: Client, bob: User) -> None:
    card = (
        "---\nlicense: apache-2.0\nextra_gated_heading: Who are you?\n"
        "extra_gated_prompt: '**Tell us** <script>alert(1)</script>'\n"
        "extra_gated_button_content: Let me in\n"
        "extra_gated_fields:\n  '<img src=x>': date_picker\n---\n"
    )

    page = _page(client, make_gated(card=card).repository)

    for words in ("Who are you?", "<strong>Tell us</strong>", "Let me in", 'type="date"'):
        assert words in page
    assert "<script>alert" not in page
    assert "<img src=x>" not in page


def test_nobody_asks_without_being_signed_in(client: Client) -> None:
    repository = make_gated().repository

    assert f"?next=/{repository}/access" in _page(client, repository)
    assert "/accounts/login/" in client.post(f"/{repository}/access")["Location"]


def test_a_person_sees_the_reason_when_to_ask_again_and_asks_again(
    client: Client, bob: User
) -> None:
    repository = make_gated().repository
    owner = owner_of(repository)
    ask(repository, bob)
    requests.handle(repository, status="rejected", user="bob", reason="say why", by=owner)

    page = _page(client, repository)

    assert "say why" in page
    assert "You may ask again from" in page
    assert "sign-form" not in page
    locks.set_ask_again(repository, 0, by=owner)
    assert "sign-form" in _page(client, repository)


def test_a_person_takes_a_request_back(client: Client, bob: User) -> None:
    repository = make_gated().repository
    ask(repository, bob)
    form = form_to(_page(client, repository), f"/{repository}/access/withdraw")

    client.post(form.action, form.values)

    assert requests.of_caller(repository, factories.as_caller(bob)) is None
    assert client.post(form.action, form.values).status_code == 302


def test_accepting_the_terms_of_an_open_lock_is_all_there_is_to_do(
    client: Client, bob: User
) -> None:
    release = make_gated(Gated.AUTO, card=factories.CARD)
    repository = release.repository
    typed = {"shown_hash": release.terms_hash, "capacity": "self", "typed_name": "Bob"}

    answer = client.post(f"/{repository}/terms", typed)

    assert answer["Location"] == f"/{repository}/terms"
    assert "Get it" in _page(client, repository, "terms")
    assert "let in by the publisher" in _page(client, repository, "license")


def test_who_accepts_the_terms_of_a_lock_that_a_person_opens_is_sent_on_to_ask(
    client: Client, bob: User
) -> None:
    release = make_gated(card=factories.CARD)
    repository = release.repository
    typed = {"shown_hash": release.terms_hash, "capacity": "self", "typed_name": "Bob"}

    answer = client.post(f"/{repository}/terms", typed)

    page = client.get(answer["Location"]).text
    assert f'<a class="button button-primary" href="/{repository}/access">Go on</a>' in page
    assert "The terms have to be accepted" not in _page(client, repository)


def test_without_a_lock_there_is_nothing_to_ask(client: Client, bob: User) -> None:
    repository = make_gated(Gated.NO).repository

    answer = client.get(f"/{repository}/access")

    assert answer["Location"] == f"/{repository}/license"


# The publisher's page


def test_those_who_decide_see_who_waits_and_let_in_reject_and_revoke(client: Client) -> None:
    repository = make_gated().repository
    bob = factories.make_user("bob")
    ask(repository, bob, card={"extra_gated_fields": {"Affiliation": "text"}}, Affiliation="ACME")
    client.force_login(repository.created_by)
    path = f"/{repository}/requests"

    page = client.get(path).text
    request = requests.newest(repository, bob)
    assert bob.email in page
    assert "ACME" in page
    decide = {"request": request.public_id, "shown": "pending"}
    client.post(f"{path}/decide", decide | {"status": "accepted"})
    assert requests.newest(repository, bob).state == "accepted"
    assert "Revoke" in client.get(f"{path}?state=accepted").text
    answer = client.post(
        f"{path}/decide",
        decide | {"status": "rejected", "reason": "no <i>more</i>", "shown": "accepted"},
    )

    assert answer["Location"] == f"{path}?state=accepted"
    rejected = client.get(f"{path}?state=rejected").text
    assert "no &lt;i&gt;more&lt;/i&gt;" in rejected


def test_a_reason_that_is_too_long_decides_nothing(client: Client) -> None:
    repository = make_gated().repository
    bob = factories.make_user("bob")
    request = ask(repository, bob)
    client.force_login(repository.created_by)

    client.post(
        f"/{repository}/requests/decide",
        {"request": request.public_id, "status": "rejected", "reason": "x" * 201},
    )

    assert requests.newest(repository, bob).state == "pending"
    assert "Nothing was decided." in client.get(f"/{repository}/requests").text


def test_a_named_person_is_let_in_and_an_unknown_one_is_said_to_be(client: Client) -> None:
    repository = make_gated().repository
    factories.make_user("bob")
    client.force_login(repository.created_by)
    path = f"/{repository}/requests"
    form = form_to(client.get(path).text, f"{path}/grant")

    unknown = client.post(form.action, form.filled(user="nobody"))
    client.post(form.action, form.filled(user="bob"))

    assert unknown.status_code == 422
    assert "User not found" in unknown.text
    assert 'value="nobody"' in unknown.text
    assert "let in without asking" in client.get(f"{path}?state=accepted").text


def test_an_admin_sets_the_lock_and_a_writer_only_reads_it(client: Client) -> None:
    organisation = factories.make_organisation()
    owner = organisation.memberships.get().user
    repository = make_gated(
        repository=factories.make_repository(owner, namespace=organisation.name)
    ).repository
    path = f"/{repository}/requests"
    client.force_login(owner)
    form = form_to(client.get(path).text, path)

    assert form.values["mode"] == "manual"
    wrong = client.post(path, form.filled(mode="auto", ask_again_days="-1"))
    client.post(path, form.filled(mode="auto", ask_again_days="7"))

    assert wrong.status_code == 422
    repository.refresh_from_db()
    assert repository.gated == "auto"
    client.force_login(factories.make_member(organisation, Role.WRITE))
    assert 'name="mode"' not in client.get(path).text
    assert client.post(path, form.filled(mode="")).status_code == 422
    repository.refresh_from_db()
    assert repository.gated == "auto"


def test_the_list_is_searched_and_paged(client: Client) -> None:
    repository = make_gated().repository
    for number in range(27):
        ask(repository, factories.make_user(f"reader{number:02}"))
    client.force_login(repository.created_by)
    path = f"/{repository}/requests"

    assert client.get(path).text.count("<article") == 25
    assert client.get(f"{path}?page=2").text.count("<article") == 2
    found = client.get(f"{path}?q=reader13").text
    assert found.count("<article") == 1
    assert "Nobody here has a name" in client.get(f"{path}?q=zzz").text


def test_the_report_is_downloaded_and_names_nobody_to_others(client: Client, bob: User) -> None:
    repository = make_gated().repository
    ask(repository, bob)
    paths = ["requests", "requests/report.json"]

    assert {client.get(f"/{repository}/{path}").status_code for path in paths} == {404}
    for path in ("decide", "grant"):
        assert client.post(f"/{repository}/requests/{path}", {"user": "bob"}).status_code == 404
    client.force_login(factories.make_maintainer())
    assert {client.get(f"/{repository}/{path}").status_code for path in paths} == {404}
    client.force_login(repository.created_by)
    (row,) = json.loads(client.get(f"/{repository}/requests/report.json").content)
    assert row["email"] == bob.email


def test_a_lock_without_requests_says_so(client: Client) -> None:
    repository = make_gated().repository
    set_mode(repository, Gated.NO)
    client.force_login(repository.created_by)

    page = client.get(f"/{repository}/requests").text

    assert "Nobody has to ask now" in page
    assert "Nobody is waiting." in page


def test_the_tab_says_how_many_people_wait_to_those_who_decide_alone(
    client: Client, bob: User
) -> None:
    repository = make_gated().repository
    ask(repository, bob)
    waiting = '<span class="count">1<span class="for-readers"> waiting</span></span>'

    assert waiting not in client.get(f"/{repository}").text
    client.force_login(repository.created_by)
    assert waiting in client.get(f"/{repository}").text
    set_mode(repository, Gated.NO)
    assert waiting not in client.get(f"/{repository}").text
