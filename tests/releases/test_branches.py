"""Releases of other branches than main, and pushes while reviewers decide."""

import pytest

from registry.catalog import branches, revisions
from registry.checks import runs
from registry.errors import Conflict, NotAllowed, RegistryError, TermsRequired
from registry.releases import gate, offers, pushes, workflow
from registry.releases.gate import Reason
from registry.releases.models import Release, Status
from tests import factories
from tests.refusals import at_once


@pytest.fixture
def side_release(db) -> Release:
    """A release in review whose branch is not main."""
    repository = factories.make_repository()
    owner = factories.as_caller(repository.created_by)
    start = revisions.find(repository, "main", caller=owner)
    branches.create_branch(repository, "side", start=start, by=owner)
    files = factories.with_copies(factories.MODEL)
    revision = factories.make_revision(repository, files=files, branch="side")
    factories.finish_checks(revision)
    return workflow.open_release(revision, version="s1", branch="side", by=owner)


def test_a_branch_under_review_cannot_be_deleted(side_release):
    owner = factories.as_caller(side_release.opened_by)

    with pytest.raises(NotAllowed, match="the release s1 needs it"):
        pushes.delete_branch(side_release.repository, "side", by=owner)

    assert side_release.repository.refs.filter(name="refs/heads/side").exists()


def test_a_branch_goes_once_its_release_was_withdrawn(side_release):
    owner = factories.as_caller(side_release.opened_by)
    workflow.transition("withdraw", side_release, by=owner)

    pushes.delete_branch(side_release.repository, "side", by=owner)

    assert not side_release.repository.refs.filter(name="refs/heads/side").exists()


def test_a_stranger_cannot_delete_a_branch_nor_learn_why_not(side_release):
    stranger = factories.as_caller(factories.make_user())

    with pytest.raises(NotAllowed) as refusal:
        pushes.delete_branch(side_release.repository, "side", by=stranger)

    assert "s1" not in str(refusal.value)


def test_the_refusal_names_the_page_of_this_releases_terms(side_release):
    workflow.transition(
        "approve", side_release, by=factories.as_caller(factories.make_maintainer())
    )
    reader = factories.make_user()
    with pytest.raises(TermsRequired) as refusal:
        gate.open_named(
            side_release.repository,
            "s1",
            "model.safetensors",
            caller=factories.as_caller(reader),
        )
    assert refusal.value.next_url.endswith("/terms?version=s1")

    offers.accept(
        side_release.repository,
        version="s1",
        shown_hash=side_release.terms_hash,
        typed_name="Some Body",
        by=factories.as_caller(reader),
    )

    opened = gate.open_named(
        side_release.repository, "s1", "model.safetensors", caller=factories.as_caller(reader)
    )
    assert opened.answer.reason == Reason.ACCEPTED


def test_the_card_of_a_suspended_release_stays_readable_and_its_weights_do_not(db):
    release = factories.make_released()
    workflow.transition(
        "suspend", release, by=factories.as_caller(factories.make_maintainer()), reason="Unsafe."
    )
    reader = factories.as_caller(factories.make_user())

    decided = {
        path: gate.decide_file(release.repository, release.revision, path, caller=reader).reason
        for path in ("README.md", "model.safetensors")
    }

    assert decided == {"README.md": Reason.OPEN_FILE, "model.safetensors": Reason.SUSPENDED}


@pytest.mark.django_db(transaction=True)
def test_pushes_and_decisions_at_once_end_in_sentences_and_one_state():
    release = factories.make_release()
    repository, owner = release.repository, release.opened_by
    maintainers = [factories.as_caller(factories.make_maintainer()) for _ in range(3)]

    def push(number: int) -> None:
        factories.make_commit(repository, {f"note{number}.md": f"{number}"}, by=owner)

    def approve(caller) -> None:
        workflow.transition("approve", release, by=caller, digest=release.digest)

    outcomes = at_once(
        *[lambda number=number: push(number) for number in range(3)],
        *[lambda caller=caller: approve(caller) for caller in maintainers],
        lambda: workflow.transition(
            "request_changes", release, by=maintainers[0], reason="Please mend."
        ),
    )

    unexpected = [
        o for o in outcomes if isinstance(o, Exception) and not isinstance(o, RegistryError)
    ]
    assert unexpected == []
    after = Release.objects.get(pk=release.pk)
    head = revisions.find(repository, "main", caller=factories.as_caller(owner))
    if after.status == Status.RELEASED:
        assert after.digest == release.digest
    else:
        assert (after.revision, runs.holds(after.revision)) == (head, runs.holds(head))


def test_a_label_that_a_branch_or_another_tag_has_is_refused_at_once(side_release):
    repository = side_release.repository
    owner = factories.as_caller(side_release.opened_by)
    branches.create_tag(
        repository, "old", start=revisions.find(repository, "main", caller=owner), by=owner
    )
    revision = factories.make_revision(
        repository, files=factories.with_copies({"README.md": factories.CARD + "more"})
    )
    factories.finish_checks(revision)

    for label in ("side", "old"):
        with pytest.raises(Conflict, match="choose another label"):
            workflow.open_release(revision, version=label, by=owner)

    assert repository.releases.count() == 1
