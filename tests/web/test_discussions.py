"""The pages of discussions and pull requests."""

import pytest
from django.test import Client

from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.discussions import threads
from registry.discussions.models import Discussion
from tests.factories import (
    as_caller,
    finish_checks,
    make_maintainer,
    make_pull_request,
    make_release,
    make_released,
    make_user,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_released().repository


@pytest.fixture
def discussion(repository: Repository) -> Discussion:
    by = as_caller(make_user("bob"))
    return threads.open_thread(repository, title="A question", text="**Why?**", by=by)


def of(user: User | None) -> Client:
    client = Client()
    if user is not None:
        client.force_login(user)
    return client


def test_a_visitor_reads_the_list_and_a_thread(discussion: Discussion) -> None:
    listed = of(None).get(f"/{discussion.repository}/discussions").text
    page = of(None).get(discussion.get_absolute_url()).text

    assert "A question" in listed
    assert "<strong>Why?</strong>" in page
    assert "<textarea" not in page
    assert (
        "A question" not in of(None).get(f"/{discussion.repository}/discussions?status=closed").text
    )
    assert (
        "A question"
        not in of(None).get(f"/{discussion.repository}/discussions?type=pull_request").text
    )


def test_a_person_opens_a_thread_comments_and_closes_it(repository: Repository) -> None:
    client = of(make_user())
    answer = client.post(
        f"/{repository}/discussions/new", {"title": "Hello", "text": "*Hi* <script>x</script>"}
    )
    page = answer["Location"]

    client.post(f"{page}/comment", {"text": "More"})
    client.post(f"{page}/comment", {"text": "Enough", "then": "closed"})
    client.post(f"{page}/title", {"title": "Good bye"})

    shown = client.get(page).text
    assert "<script>x" not in shown
    assert "<em>Hi</em>" in shown
    for text in ("More", "Enough", "closed this", "Good bye", "Open again"):
        assert text in shown


def test_what_a_rule_refuses_is_said_and_what_was_typed_is_kept(discussion: Discussion) -> None:
    answer = of(make_user()).post(
        f"{discussion.get_absolute_url()}/comment", {"text": "No more", "then": "closed"}
    )

    assert answer.status_code == 409
    assert "required permissions" in answer.text
    assert "No more</textarea>" in answer.text


def test_a_refused_edit_and_a_refused_title_can_be_mended_where_they_were_typed(
    discussion: Discussion,
) -> None:
    event, page = discussion.events.get(), discussion.get_absolute_url()
    author = of(discussion.author)

    edited = author.post(f"{page}/comment/{event.public_id}/edit", {"text": " "})
    renamed = author.post(f"{page}/title", {"title": "x" * 201})

    assert (edited.status_code, renamed.status_code) == (409, 409)
    assert "<details open>" in edited.text
    assert 'class="card" open' in renamed.text
    assert "x" * 201 in renamed.text


@pytest.mark.parametrize("rest", ["", "/comment", "/title", "/merge"])
def test_without_signing_in_nothing_is_changed(discussion: Discussion, rest: str) -> None:
    path = f"{discussion.get_absolute_url()}{rest}" if rest else f"/{discussion.repository}"
    path = path if rest else f"{path}/discussions/new"
    answer = of(None).post(path, {"text": "x", "title": "x"})

    assert (answer.status_code, discussion.events.count()) == (302, 1)
    assert answer["Location"].startswith("/accounts/login/")


def test_a_comment_is_edited_and_hidden_by_its_author(discussion: Discussion) -> None:
    event, page = discussion.events.get(), discussion.get_absolute_url()
    of(discussion.author).post(f"{page}/comment/{event.public_id}/edit", {"text": "Because"})
    assert "Because" in of(None).get(page).text

    of(make_user()).post(f"{page}/comment/{event.public_id}/hide")
    assert "Because" in of(None).get(page).text
    of(discussion.author).post(f"{page}/comment/{event.public_id}/hide")
    assert "Because" not in of(None).get(page).text


def test_a_pull_request_is_merged_by_those_who_write(repository: Repository) -> None:
    pull = make_pull_request(repository, {"notes.txt": "some notes\n"}, title="Add notes")
    finish_checks(pull.proposal.ref.head)
    page = pull.get_absolute_url()

    stranger = of(make_user()).get(page).text
    assert "notes.txt" not in stranger
    assert "refs/pr/" in stranger
    assert of(make_user()).post(f"{page}/merge").status_code == 409
    owner = of(repository.created_by)
    assert "+some notes" in owner.get(page).text
    answer = owner.post(f"{page}/merge", follow=True)

    assert "Merged as" in answer.text
    pull.refresh_from_db()
    assert pull.status == "merged"


def test_a_hidden_thread_is_a_404_and_shows_at_the_review(repository: Repository) -> None:
    release = make_release(repository, version="v2.0", files={"more.txt": "more"})
    page = release.discussion.get_absolute_url()
    maintainer = of(make_maintainer())
    maintainer.post(f"{page}/comment", {"text": "Well done"})

    assert of(make_user()).get(page).status_code == 404
    assert of(make_user()).post(f"{page}/comment", {"text": "x"}).status_code == 404
    assert "Well done" in maintainer.get(release.get_absolute_url()).text


@pytest.mark.parametrize("number", ["0", "01", "9999999999", "x", "77"])
def test_a_number_that_is_none_is_a_404(repository: Repository, number: str) -> None:
    assert of(None).get(f"/{repository}/discussions/{number}").status_code == 404
