"""Who last changed a path, and the line of revisions that leads to one."""

import pytest

from registry.accounts.callers import NOBODY
from registry.catalog import commits, history
from registry.catalog.commits import Delete
from registry.catalog.models import Revision
from tests import factories

pytestmark = pytest.mark.django_db


def _changed(revision: Revision, *paths: str) -> dict[str, str]:
    caller = factories.as_caller(revision.repository.created_by)
    found = history.last_changes(revision.repository, revision, paths, caller=caller)
    return {path: by.title for path, by in found.items()}


def test_each_path_has_the_newest_revision_that_changed_it():
    repository = factories.make_repository()
    factories.make_commit(repository, {"a.txt": "1", "sub/deep/x": "1", "sub/y": "1"}, title="1st")
    factories.make_commit(repository, {"a.txt": "2"}, title="2nd")
    factories.make_commit(repository, {"sub/deep/x": "3"}, title="3rd")
    factories.make_commit(repository, {"a.txt": "1"}, title="4th")
    head = factories.make_commit(repository, {"z": "5"}, title="5th")

    assert _changed(head, ".gitattributes", "a.txt", "sub", "sub/deep/x", "sub/y", "none") == {
        ".gitattributes": "initial commit",
        "a.txt": "4th",
        "sub": "3rd",
        "sub/deep/x": "3rd",
        "sub/y": "1st",
    }


def test_what_was_gone_for_a_while_was_changed_when_it_came_back():
    repository = factories.make_repository()
    factories.make_commit(repository, {"a": "x", "b": "x"}, title="made")
    commits.commit(
        repository,
        branch="main",
        operations=[Delete("a")],
        title="removed",
        by=factories.as_caller(repository.created_by),
    )
    head = factories.make_commit(repository, {"a": "x"}, title="back")

    assert _changed(head, "a", "b") == {"a": "back", "b": "made"}


def test_a_long_line_is_looked_through_in_windows(monkeypatch):
    monkeypatch.setattr(history, "FIRST_WINDOW", 2)
    monkeypatch.setattr(history, "LAST_WINDOW", 3)
    repository = factories.make_repository()
    for number in range(9):
        files = {"each": str(number), f"file{number}": "x"}
        head = factories.make_commit(repository, files, title=str(number))

    assert _changed(head, "each", *(f"file{number}" for number in range(9))) == {
        "each": "8",
        **{f"file{number}": str(number) for number in range(9)},
    }


def test_beyond_the_limit_the_oldest_revision_looked_at_is_named(monkeypatch):
    monkeypatch.setattr(history, "MAX_REVISIONS", 2)
    repository = factories.make_repository()
    for number in range(4):
        head = factories.make_commit(repository, {"b" * (number + 1): "x"}, title=str(number))

    assert _changed(head, "b", "bbbb") == {"b": "2", "bbbb": "3"}


def test_those_outside_see_released_revisions_alone():
    release = factories.make_released(files={"README.md": factories.CARD, "a": "1"}, title="out")
    repository = release.repository
    hidden = factories.make_commit(repository, {"a": "2"}, title="hidden")

    line = history.line(repository, hidden, caller=NOBODY)

    assert [place.oid for place in line] == [release.revision.oid]
    found = history.last_changes(repository, release.revision, ["a"], caller=NOBODY)
    assert {path: by.title for path, by in found.items()} == {"a": "out"}
