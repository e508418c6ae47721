"""When a pull request may be merged, and what a merge does."""

import pytest

from registry.accounts.callers import Caller
from registry.catalog import commits, files
from registry.catalog.models import Ref, Repository, RevisionState
from registry.checks.models import CheckRun
from registry.discussions import pull_requests, threads
from registry.discussions.models import Discussion
from registry.errors import Conflict, Invalid, NotAllowed, NotNow, RegistryError
from registry.releases import merging, pushes
from tests.factories import (
    CARD,
    as_caller,
    finish_checks,
    make_commit,
    make_maintainer,
    make_pull_request,
    make_release,
    make_released,
    make_user,
)
from tests.refusals import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def repository() -> Repository:
    return make_released(
        files={
            "README.md": CARD.replace("llama3.1", "cc"),
            "a.txt": "a",
            "sub/b.txt": "b",
            "c.txt": "c",
        }
    ).repository


@pytest.fixture
def owner(repository: Repository) -> Caller:
    return as_caller(repository.created_by)


def head(repository: Repository) -> dict[str, str]:
    """The head of main: the paths with the beginning of each file's hash."""
    ref = Ref.objects.get(repository=repository, name="refs/heads/main")
    return {file.path: file.sha256 for file in files.files_of(ref.head)}


def remove(pull: Discussion, path: str) -> None:
    pushes.push(
        pull.repository,
        branch=pull.ref_name,
        operations=[commits.Delete(path)],
        title="Remove",
        by=as_caller(pull.author),
    )


def test_a_merge_brings_both_sides_together_and_releases_nothing(
    repository: Repository, owner: Caller
) -> None:
    pull = make_pull_request(repository, {"a.txt": "theirs", "new/d.txt": "d"})
    remove(pull, "sub/b.txt")
    ours = make_commit(repository, {"c.txt": "ours", "e.txt": "e"})

    merged = merging.merge(pull, by=owner, comment="Thanks.")

    now = head(repository)
    assert set(now) == {".gitattributes", "README.md", "a.txt", "c.txt", "e.txt", "new/d.txt"}
    proposed = {f.path: f.sha256 for f in files.files_of(Ref.objects.get(name=pull.ref_name).head)}
    assert now["a.txt"] == proposed["a.txt"]
    assert now["c.txt"] != proposed["c.txt"]
    assert merged.parents == [ours.oid, Ref.objects.get(name=pull.ref_name).head.oid]
    assert merged.state == RevisionState.QUARANTINE
    assert CheckRun.objects.filter(revision=merged).exists()
    ref = Ref.objects.get(repository=repository, name="refs/heads/main")
    assert (ref.head, ref.public.state) == (merged, RevisionState.RELEASED)
    pull.refresh_from_db()
    assert (pull.status, pull.merged_as) == ("merged", merged)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"a.txt": "theirs"}, {"a.txt": "ours"}),
        ({"a.txt": None}, {"a.txt": "ours"}),
        ({"new": "a file"}, {"new/x.txt": "a folder"}),
        ({"new/x.txt": "a folder"}, {"new": "a file"}),
    ],
)
def test_what_both_changed_is_a_conflict(
    repository: Repository,
    owner: Caller,
    theirs: dict[str, str | None],
    ours: dict[str, str],
) -> None:
    pull = make_pull_request(
        repository, {path: text for path, text in theirs.items() if text} or {"x.txt": "x"}
    )
    for path, text in theirs.items():
        if text is None:
            remove(pull, path)
    before = make_commit(repository, ours)

    with pytest.raises(Conflict, match="new" if "new" in str(theirs) else "a.txt"):
        merging.merge(pull, by=owner)

    assert Ref.objects.get(repository=repository, name="refs/heads/main").head == before
    sides = pull_requests.sides(pull, caller=owner)
    assert sides is not None
    assert sides.plan.conflicts


def test_the_same_change_on_both_sides_is_none(repository: Repository, owner: Caller) -> None:
    pull = make_pull_request(repository, {"a.txt": "same", "d.txt": "d"})
    make_commit(repository, {"a.txt": "same"})

    merging.merge(pull, by=owner)

    assert "d.txt" in head(repository)


def test_nobody_merges_who_does_not_write(repository: Repository) -> None:
    pull = make_pull_request(repository, {"d.txt": "d"})

    for other in (pull.author, make_user(), make_maintainer()):
        with pytest.raises(NotAllowed):
            merging.merge(pull, by=as_caller(other))
    with pytest.raises(NotAllowed):
        merging.merge(pull, by=Caller(user=repository.created_by, scope="read"))


def test_a_blocking_finding_refuses_the_merge(repository: Repository, owner: Caller) -> None:
    pull = make_pull_request(repository, {"d.txt": "d"})
    finish_checks(pull.proposal.ref.head, "blocked")

    with pytest.raises(NotAllowed, match="W-FINITE"):
        merging.merge(pull, by=owner)


def test_drafts_discussions_and_what_is_closed_or_merged_are_not_merged(
    repository: Repository, owner: Caller
) -> None:
    draft = pull_requests.open_pull_request(repository, title="x", text="x", by=owner)
    discussion = threads.open_thread(repository, title="x", text="x", by=owner)
    closed = make_pull_request(repository, {"d.txt": "d"})
    threads.set_status(closed, "closed", by=owner)
    merged = make_pull_request(repository, {"e.txt": "e"})
    merging.merge(merged, by=owner)
    empty = pull_requests.open_pull_request(repository, title="x", text="x", by=owner)
    threads.set_status(empty, "open", by=owner)

    refusals: list[tuple[Discussion, type[RegistryError]]] = [
        (draft, Invalid),
        (discussion, Invalid),
        (closed, NotNow),
        (merged, NotNow),
        (empty, NotNow),
    ]
    for one, kind in refusals:
        with pytest.raises(kind):
            merging.merge(one, by=owner)
    for one in (closed, merged):
        with pytest.raises(NotNow):
            make_commit(repository, {"f.txt": "f"}, by=one.author, branch=one.ref_name)


def test_a_merge_takes_an_open_release_along(repository: Repository, owner: Caller) -> None:
    release = make_release(repository, version="v2.0", files={"f.txt": "f"})
    pull = make_pull_request(repository, {"d.txt": "d"})

    merged = merging.merge(pull, by=owner)

    release.refresh_from_db()
    assert release.revision == merged


def test_a_commit_that_changes_nothing_opens_no_pull_request(
    repository: Repository, owner: Caller
) -> None:
    before = Discussion.objects.count()
    with pytest.raises(Invalid):
        pushes.propose(repository, branch="main", operations=[], title="Nothing", by=owner)
    assert Discussion.objects.count() == before


@pytest.mark.django_db(transaction=True)
def test_two_who_merge_at_the_same_moment_make_one_merge() -> None:
    repository = make_released(files={"README.md": CARD, "a.txt": "a"}).repository
    owner = as_caller(repository.created_by)
    pull = make_pull_request(repository, {"d.txt": "d"})

    outcomes = at_once(*[lambda: merging.merge(pull, by=owner)] * 2)

    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["NotNow", "Revision"]
