"""Who may say what, and how threads are numbered."""

import pytest

from registry.accounts import callers
from registry.accounts.callers import Caller
from registry.accounts.models import Role
from registry.catalog.models import Repository
from registry.discussions import pull_requests, threads
from registry.discussions.models import Discussion
from registry.errors import (
    DiscussionMissing,
    Invalid,
    NotAllowed,
    NotNow,
    RepositoryMissing,
    SignInRequired,
)
from registry.releases import merging, workflow
from tests.factories import (
    as_caller,
    finish_checks,
    make_commit,
    make_maintainer,
    make_member,
    make_organisation,
    make_pull_request,
    make_release,
    make_released,
    make_repository,
    make_user,
)
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_released().repository


@pytest.fixture
def stranger() -> Caller:
    return as_caller(make_user())


def opened(repository: Repository, by: Caller) -> Discussion:
    return threads.open_thread(repository, title="A question", text="Why?", by=by)


def test_whoever_may_know_of_the_repository_takes_part(
    repository: Repository, stranger: Caller
) -> None:
    discussion = opened(repository, as_caller(repository.created_by))

    threads.comment(discussion, "Because.", by=stranger)

    said = [event.texts.get().raw for event in threads.events(discussion, caller=stranger)]
    assert said == ["Why?", "Because."]


def test_nobody_takes_part_without_signing_in_or_with_a_token_to_read(
    repository: Repository, stranger: Caller
) -> None:
    reading = Caller(user=stranger.user, scope="read")

    with pytest.raises(SignInRequired):
        opened(repository, callers.NOBODY)
    with pytest.raises(NotAllowed):
        opened(repository, reading)
    with pytest.raises(NotAllowed):
        threads.comment(opened(repository, stranger), "x", by=reading)


def test_a_repository_that_somebody_may_not_know_of_takes_nothing_from_them(
    stranger: Caller,
) -> None:
    with pytest.raises(RepositoryMissing):
        opened(make_repository(), stranger)
    with pytest.raises(RepositoryMissing):
        pull_requests.open_pull_request(make_repository(), title="x", text="x", by=stranger)


def test_only_its_author_edits_a_comment_and_what_it_said_is_kept(
    repository: Repository, stranger: Caller
) -> None:
    event = threads.comment(opened(repository, stranger), "One", by=stranger)

    with pytest.raises(NotAllowed):
        threads.edit(event, "Two", by=as_caller(repository.created_by))
    threads.edit(event, "Three", by=stranger)

    assert [text.raw for text in event.texts.all()] == ["One", "Three"]


def test_comments_are_hidden_by_their_author_and_by_those_who_write(
    repository: Repository, stranger: Caller
) -> None:
    discussion = opened(repository, stranger)
    event = threads.comment(discussion, "One", by=stranger)

    with pytest.raises(NotAllowed):
        threads.hide(event, by=as_caller(make_user()))
    assert threads.hide(event, by=as_caller(repository.created_by)).hidden_at
    with pytest.raises(NotNow):
        threads.edit(
            threads.find_event(discussion, event.public_id, caller=stranger), "x", by=stranger
        )


def test_its_author_and_those_who_write_rename_and_close_a_thread(
    repository: Repository, stranger: Caller
) -> None:
    discussion, other = opened(repository, stranger), as_caller(make_user())

    for refused in (
        lambda: threads.rename(discussion, "Other", by=other),
        lambda: threads.set_status(discussion, "closed", by=other),
    ):
        with pytest.raises(NotAllowed):
            refused()
    threads.rename(discussion, "  A better \n question ", by=stranger)
    threads.set_status(discussion, "closed", by=as_caller(repository.created_by), text="Done.")
    with pytest.raises(NotNow):
        threads.set_status(discussion, "closed", by=stranger)
    threads.set_status(discussion, "open", by=stranger)

    discussion.refresh_from_db()
    assert (discussion.title, discussion.status) == ("A better question", "open")


@pytest.mark.parametrize(("title", "text"), [("", "x"), ("  ", "x"), ("x" * 201, "x"), ("x", " ")])
def test_a_thread_has_a_title_and_a_text(
    repository: Repository, stranger: Caller, title: str, text: str
) -> None:
    with pytest.raises(Invalid):
        threads.open_thread(repository, title=title, text=text, by=stranger)


def test_the_thread_of_a_review_is_for_those_who_see_quarantine(
    repository: Repository, stranger: Caller
) -> None:
    make_commit(repository, {"more.txt": "more"})
    release = make_release(repository, version="v2.0", files={"more.txt": "even more"})
    maintainer = as_caller(make_maintainer())
    workflow.transition("request_changes", release, by=maintainer, reason="A typo.")

    thread = threads.find(repository, release.discussion.number, caller=maintainer)
    steps = [
        event.facts["step"]
        for event in threads.events(thread, caller=maintainer)
        if event.kind == "review"
    ]
    assert steps == ["submit", "request_changes"]
    with pytest.raises(DiscussionMissing):
        threads.find(repository, thread.number, caller=stranger)


def test_the_steps_of_a_release_are_in_its_pull_request_but_not_for_strangers(
    repository: Repository, stranger: Caller
) -> None:
    pull = make_pull_request(repository, {"a.txt": "a"}, by=stranger.user)
    owner = as_caller(repository.created_by)
    merged = merging.merge(pull, by=owner)
    finish_checks(merged)
    release = workflow.open_release(merged, version="v2.0", by=owner)

    assert release.discussion == pull
    kinds = [event.kind for event in threads.events(pull, caller=owner)]
    assert kinds == ["comment", "commit", "status-change", "review"]
    assert "review" not in [event.kind for event in threads.events(pull, caller=stranger)]


def test_a_full_thread_takes_no_more_and_can_still_be_closed(
    repository: Repository, stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    discussion = opened(repository, stranger)
    said = threads.comment(discussion, "x" * 100, by=stranger)
    monkeypatch.setattr(threads, "MAX_TEXT_OF_ALL", 150)

    acts = [
        lambda: threads.comment(discussion, "x" * 100, by=stranger),
        lambda: threads.edit(said, "x" * 100, by=stranger),
        lambda: threads.set_status(discussion, "closed", by=stranger, text="x" * 100),
    ]
    monkeypatch.setattr(threads, "MAX_EVENTS", 3)
    threads.rename(discussion, "Another title", by=stranger)
    acts.append(lambda: threads.rename(discussion, "A third", by=stranger))
    for act in acts:
        with pytest.raises(NotNow, match="full"):
            act()

    threads.set_status(discussion, "closed", by=stranger)
    with pytest.raises(NotNow, match="full"):
        threads.set_status(discussion, "open", by=stranger)


@pytest.mark.django_db(transaction=True)
def test_numbers_are_given_once_whoever_comes_at_the_same_moment() -> None:
    repository = make_released().repository
    people = [as_caller(make_user()) for _ in range(3)]

    def ask(by: Caller) -> int:
        return opened(repository, by).number

    def propose(by: Caller) -> int:
        return make_pull_request(repository, {"a.txt": by.public_id}, by=by.user).number

    works = [lambda by=by: ask(by) for by in people] + [lambda by=by: propose(by) for by in people]
    first = Discussion.objects.filter(repository=repository).count() + 1

    assert sorted(at_once(*works)) == list(range(first, first + 6))


def test_a_member_who_reads_takes_part_in_a_private_repository() -> None:
    owner = make_user()
    namespace = make_organisation(owner=owner)
    repository = make_repository(owner, namespace=namespace.name, visibility="private")
    make_released(repository)
    reader = as_caller(make_member(namespace, Role.READ))

    assert opened(repository, reader).author == reader.user
    with pytest.raises(RepositoryMissing):
        opened(repository, as_caller(make_user()))
