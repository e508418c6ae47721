"""Asking back, grants with limits, renewals and groups on pages, as browsers send it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from registry.accounts.models import Role, User
from registry.agreements import grants, groups, lapses, requests, scopes
from registry.agreements.models import Grant
from registry.catalog.models import Gated, Repository
from tests import factories
from tests.agreements.access import ask, make_gated, owner_of, set_mode
from tests.web.rendered import form_to

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_gated().repository


@pytest.fixture
def bob() -> User:
    return factories.make_user("bob")


def _page(client: Client, user: User, path: str) -> str:
    client.force_login(user)
    return client.get(path).text


def test_a_person_asks_with_a_purpose_and_an_end_and_the_publisher_sees_them(
    client: Client, repository: Repository, bob: User
) -> None:
    form = form_to(_page(client, bob, f"/{repository}/access"), "")
    day = (timezone.now() + timedelta(days=30)).date().isoformat()
    client.post(f"/{repository}/access", form.filled(purpose="an <b>exam</b>", wanted_until=day))

    request = requests.newest(repository, bob)
    assert (request.purpose, request.wanted_until.date().isoformat()) == ("an <b>exam</b>", day)
    page = _page(client, repository.created_by, f"/{repository}/requests")
    assert "an &lt;b&gt;exam&lt;/b&gt;" in page
    assert "Lapses on" in page


def test_a_question_is_asked_back_and_answered_on_pages(
    client: Client, repository: Repository, bob: User
) -> None:
    request = ask(repository, bob)
    path = f"/{repository}/requests/{request.public_id}/ask-back"
    owner = repository.created_by
    client.force_login(owner)

    assert client.post(path, {"text": ""}).status_code == 422
    client.post(path, {"text": "Which <i>data</i>?"})
    assert "Waits for their answer." in _page(client, owner, f"/{repository}/requests")
    page = _page(client, bob, f"/{repository}/access")
    assert "Which &lt;i&gt;data&lt;/i&gt;?" in page
    form = form_to(page, f"/{repository}/access/answer")
    wrong = client.post(form.action, form.filled(text="x" * 2001))
    assert wrong.status_code == 422
    assert "x" * 2001 in wrong.text
    answer = client.post(form.action, form.filled(text="None."))

    assert answer["Location"] == f"/{repository}/access"
    assert "Your request waits for the publisher." in client.get(f"/{repository}/access").text
    assert "None." in _page(client, owner, f"/{repository}/requests")


def test_a_request_is_accepted_with_limits_and_what_was_typed_wrong_is_shown_again(
    client: Client, repository: Repository, bob: User
) -> None:
    request = ask(repository, bob)
    client.force_login(repository.created_by)
    path = f"/{repository}/requests/decide"
    day = (timezone.now() + timedelta(days=30)).date().isoformat()
    typed = {
        "request": request.public_id,
        "status": "accepted",
        "patterns": "*.safetensors\n\noriginal/",
        "first_release": "v1.0",
        "full_downloads": "2",
    }

    wrong = client.post(path, typed | {"ends_on": "2001-01-01"})
    assert wrong.status_code == 422
    assert "The end has to come after the start." in wrong.text
    assert "original/" in wrong.text
    assert not Grant.objects.exists()
    client.post(path, typed | {"ends_on": day})

    grant = Grant.objects.get()
    assert grant.patterns == ["*.safetensors", "original/"]
    assert (grant.full_downloads, grant.ends_at.date().isoformat()) == (2, day)
    mine = _page(client, bob, f"/{repository}/access")
    for words in ("*.safetensors", "from v1.0 on", "0 of 2 used", "Ask for a renewal"):
        assert words in mine


def test_a_renewal_is_asked_for_found_given_and_revoked(
    client: Client, repository: Repository, bob: User
) -> None:
    owner = repository.created_by
    soon = timezone.now() + timedelta(days=5)
    requests.grant(
        repository, user="bob", by=owner_of(repository), scope=scopes.Scope(ends_at=soon)
    )
    grant = Grant.objects.get()
    page = _page(client, bob, f"/{repository}/access")
    form = form_to(page, f"/{repository}/access/grants/{grant.public_id}/ask-renewal")
    client.post(form.action, form.values)
    assert "asked for on" in client.get(f"/{repository}/access").text

    page = _page(client, owner, f"/{repository}/requests?state=renewals")
    form = form_to(page, f"/{repository}/requests/grants/{grant.public_id}/renew")
    client.post(form.action, form.filled(ends_on="nonsense"))
    assert Grant.objects.count() == 1
    day = (soon + timedelta(days=30)).date().isoformat()
    client.post(form.action, form.filled(ends_on=day))
    assert Grant.objects.get(renews=grant).ends_at.date().isoformat() == day
    assert "<article" not in _page(client, owner, f"/{repository}/requests?state=renewals")
    client.post(f"/{repository}/requests/grants/{grant.public_id}/revoke", {"reason": "over"})

    assert grants.opening(repository, factories.as_caller(bob), soon) == []
    assert "Your request was rejected." in _page(client, bob, f"/{repository}/access")


def test_others_touch_no_grant_and_no_request(
    client: Client, repository: Repository, bob: User
) -> None:
    end = timezone.now() + timedelta(days=5)
    scope = scopes.Scope(ends_at=end)
    requests.grant(repository, user="bob", by=owner_of(repository), scope=scope)
    grant = Grant.objects.get()
    stranger = factories.make_user()

    for user in (bob, stranger, factories.make_maintainer()):
        client.force_login(user)
        for path in (
            f"requests/grants/{grant.public_id}/renew",
            f"requests/grants/{grant.public_id}/revoke",
            f"requests/{grant.request.public_id}/ask-back",
        ):
            assert client.post(f"/{repository}/{path}", {"text": "?"}).status_code == 404
    client.force_login(stranger)
    path = f"/{repository}/access/grants/{grant.public_id}/ask-renewal"
    assert client.post(path).status_code == 404
    assert client.post(f"/{repository}/access/answer", {"text": "?"}).status_code == 422


def test_what_lapsed_or_ended_says_so_and_one_asks_again(
    client: Client, repository: Repository, bob: User
) -> None:
    request = ask(repository, bob)
    lapses.sweep(request.lapses_at)

    page = _page(client, bob, f"/{repository}/access")
    assert "Your last request lapsed." in page
    assert "sign-form" in page
    past = timezone.now() - timedelta(days=3)
    requests.grant(
        repository,
        user="bob",
        by=owner_of(repository),
        scope=scopes.Scope(ends_at=past + timedelta(days=1)),
        now=past,
    )
    page = _page(client, bob, f"/{repository}/access")
    assert "Your access has ended." in page
    assert "sign-form" in page
    over = _page(client, repository.created_by, f"/{repository}/requests?state=over")
    assert "Nobody here." in over
    lapses.sweep(timezone.now())
    over = _page(client, repository.created_by, f"/{repository}/requests?state=over")
    assert "It is over." in over


def test_an_admin_groups_models_on_a_page_and_others_find_none(client: Client, bob: User) -> None:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    first, second = (
        make_gated(
            Gated.NO, repository=factories.make_repository(owner, namespace="lab")
        ).repository
        for _ in range(2)
    )
    path = "/settings/access-groups/lab"
    for user in (bob, factories.make_member(lab, Role.WRITE), factories.make_maintainer()):
        client.force_login(user)
        assert client.get(path).status_code == 404
        assert client.post(path, {"name": "x"}).status_code == 404

    client.force_login(owner)
    assert "No group yet." in client.get(path).text
    assert client.post(path, {"name": ""}).status_code == 422
    client.post(path, {"name": "Medical"})
    group = groups.of_namespace(lab).get()
    step = f"{path}/{group.public_id}"
    for one in (first, second):
        client.post(f"{step}/put", {"repository": one.public_id})
    client.post(f"{step}/gated", {"mode": "manual"})
    page = _page(client, bob, f"/{first}/access")

    assert "A request is for the whole group Medical." in page
    assert str(second) in page
    client.force_login(owner)
    client.post(f"{step}/take-out", {"repository": second.public_id})
    assert list(groups.repositories_in(group)) == [first]
    assert client.post(f"{step}/close").status_code == 302
    assert groups.of_namespace(lab).exists()
    assert client.post(f"{step}/fly").status_code == 404


def test_the_page_of_requests_costs_no_more_queries_with_more_of_them(
    client: Client, repository: Repository
) -> None:
    owner = repository.created_by

    def let_in(count: int) -> None:
        for _ in range(count):
            name = factories.make_user().username
            requests.grant(repository, user=name, by=factories.as_caller(owner))

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(f"/{repository}/requests?state=accepted").status_code == 200
        return len(captured)

    client.force_login(owner)
    let_in(2)
    cost()
    few = cost()
    let_in(4)
    assert cost() == few


def test_whoever_was_let_in_to_some_files_finds_these_among_the_files(
    client: Client, bob: User
) -> None:
    card = "---\nlicense: apache-2.0\n---\n"
    files = {
        "README.md": card,
        "config.json": "{}",
        "notes/data.json": "[]",
        "model.safetensors": b"w",
    }
    release = factories.make_released(files=files)
    repository = release.repository
    set_mode(repository, Gated.MANUAL)
    scope = scopes.Scope(patterns=["*.json"])
    requests.grant(repository, user="bob", by=owner_of(repository), scope=scope)
    factories.accept_terms(release, bob)

    card = _page(client, bob, f"/{repository}")
    page = _page(client, bob, f"/{repository}/tree/main")
    below = _page(client, bob, f"/{repository}/tree/main/notes")

    assert "those that the publisher let you in to" in card
    assert "Some of the files are open to you" in page
    assert f"resolve/{release.revision.oid}/config.json?download=true" in page
    assert "model.safetensors" not in page
    assert f"resolve/{release.revision.oid}/notes/data.json?download=true" in below


def test_whoever_was_asked_something_is_led_from_the_card_to_the_answer(
    client: Client, repository: Repository, bob: User
) -> None:
    request = ask(repository, bob)
    requests.ask_back(
        repository,
        request_id=request.public_id,
        question="Which data?",
        by=owner_of(repository),
    )

    page = _page(client, bob, f"/{repository}")

    assert "the publisher asks you something" in page
    assert f'<a class="button button-primary" href="/{repository}/access">Answer</a>' in page


def test_groups_are_listed_some_at_a_time_by_name(client: Client) -> None:
    owner = factories.make_user("ada")
    by = factories.as_caller(owner)
    for number in range(21):
        made = groups.make(owner.namespace, f"Group {number:02}", by=by)
    held = factories.make_repository(owner, "held")
    groups.put(made, held, by=by)
    client.force_login(owner)

    first = client.get("/settings/access-groups/ada").text
    second = client.get("/settings/access-groups/ada?page=2").text

    assert "Group 19" in first
    assert "Group 20" not in first
    assert "Page 1 of 2" in first
    assert "ada/held" in second
    assert f'<option value="{held.public_id}">' not in first  # it is in a group of another page
