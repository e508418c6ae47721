"""What the database refuses to hold of discussions, pull requests and who brought what."""

import pytest
from django.utils import timezone

from registry.catalog.models import Bringing, Proposal, Ref, Repository
from registry.discussions import threads
from registry.discussions.models import Discussion, Event
from tests.factories import as_caller, make_pull_request, make_released, make_user
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_released().repository


@pytest.fixture
def discussion(repository: Repository) -> Discussion:
    by = as_caller(repository.created_by)
    return threads.open_thread(repository, title="A question", text="Why?", by=by)


def test_a_number_is_given_once_in_a_repository(discussion: Discussion) -> None:
    with refused_by("discussion_number_once_in_a_repository"):
        Discussion.objects.create(
            repository=discussion.repository,
            number=discussion.number,
            kind="discussion",
            status="open",
            author=discussion.author,
        )


def test_a_pull_request_has_a_proposal(discussion: Discussion) -> None:
    with refused_by("pull_request_has_a_proposal"):
        Discussion.objects.filter(pk=discussion.pk).update(kind="pull_request")


def test_a_discussion_is_never_a_draft(discussion: Discussion) -> None:
    with refused_by("discussion_is_open_or_closed"):
        Discussion.objects.filter(pk=discussion.pk).update(status="draft")


def test_what_is_merged_is_merged_as_a_revision(repository: Repository) -> None:
    pull = make_pull_request(repository, {"a.txt": "a"})
    with refused_by("merged_as_a_revision"):
        Discussion.objects.filter(pk=pull.pk).update(status="merged")


def test_a_commit_event_names_a_revision(discussion: Discussion) -> None:
    with refused_by("commit_event_names_a_revision"):
        Event.objects.create(discussion=discussion, kind="commit", author=discussion.author)


def test_a_commit_is_noted_once_in_a_thread(repository: Repository) -> None:
    event = make_pull_request(repository, {"a.txt": "a"}).events.get(kind="commit")
    with refused_by("commit_once_in_a_thread"):
        Event.objects.create(
            discussion=event.discussion,
            kind="commit",
            author=event.author,
            revision=event.revision,
        )


def test_only_comments_are_hidden(discussion: Discussion) -> None:
    with refused_by("only_comments_are_hidden"):
        Event.objects.create(
            discussion=discussion,
            kind="title-change",
            author=discussion.author,
            hidden_at=timezone.now(),
        )


def test_a_proposal_is_onto_a_branch(repository: Repository) -> None:
    pull = make_pull_request(repository, {"a.txt": "a"})
    with refused_by("proposal_is_onto_a_branch"):
        Proposal.objects.filter(pk=pull.proposal_id).update(base="refs/tags/v1.0")


def test_a_pull_request_has_one_proposal(repository: Repository) -> None:
    pull = make_pull_request(repository, {"a.txt": "a"})
    ref = Ref.objects.get(name=pull.ref_name)
    with refused_by("catalog_proposal_ref_id_key"):
        Proposal.objects.create(
            ref=ref, by=pull.author, base="refs/heads/main", start=pull.proposal.start
        )


def test_a_person_is_noted_once_as_having_brought_the_same_again(repository: Repository) -> None:
    holding, person = repository.holdings.first(), make_user()
    Bringing.objects.create(holding=holding, by=person)
    with refused_by("brought_again_once_by_a_person"):
        Bringing.objects.create(holding=holding, by=person)
