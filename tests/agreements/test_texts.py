"""License, policy and notice files found in repositories, and what stewards make of them."""

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from registry.accounts.callers import NOBODY, Caller
from registry.agreements import documents, texts
from registry.agreements.models import Document, DocumentVersion, FoundState, FoundText
from registry.audit.models import Entry
from registry.catalog import repositories
from registry.catalog.models import Repository
from registry.errors import Conflict, Invalid, NotAllowed, NotNow
from registry.storage import blobs
from tests import factories
from tests.refusals import at_once, refused_as_evidence, refused_by

pytestmark = pytest.mark.django_db
TEXT = b"Sample License 1\n\nYou may use the copies, and pass them on.\n"
MARKED = b"# Sample License 1\n\n**You** may use the copies,\nand pass them on.\n"


@pytest.fixture(autouse=True)
def known_licenses():
    factories.make_facts()


def _steward() -> Caller:
    return factories.as_caller(factories.make_user(site_role="steward"))


def _found(files: dict[str, bytes], repository: Repository | None = None) -> dict[str, FoundText]:
    """What is noted of a commit with these files, by path."""
    revision = factories.make_commit(repository or factories.make_repository(), files)
    return {one.path: one for one in texts.look_through(revision)}


def _waiting() -> list[str]:
    return sorted(one.path for one in texts.waiting())


def test_a_text_is_known_by_its_bytes_or_by_its_words():
    made = documents.add_text(slug="llama3-1", version="3.1", text=TEXT)

    found = _found({"LICENSE": TEXT, "license.md": MARKED, "USE_POLICY.md": b"Something else."})

    assert {path: (one.state, one.kind) for path, one in found.items()} == {
        "LICENSE": (FoundState.RECOGNISED, "license"),
        "license.md": (FoundState.RECOGNISED, "license"),
        "USE_POLICY.md": (FoundState.UNKNOWN, "policy"),
    }
    assert found["license.md"].version == made


def test_bytes_are_recognised_for_whoever_asks():
    made = documents.add_text(slug="llama3-1", version="3.1", text=TEXT)

    assert documents.recognise(TEXT) == documents.recognise(MARKED) == made
    assert documents.recognise(TEXT + b"Not!") is None
    assert documents.recognise(b"\xff\xfe") is documents.recognise(b"") is None


def test_only_files_that_are_named_so_are_read():
    british = "licen" + "ce.txt"
    named = ["LICENSE", british, "COPYING", "Notice", "ACCEPTABLE_USE.md", "LICENSES/MIT.txt"]
    others = [
        "README.txt",
        "docs/LICENSE",
        "MY_LICENSE",
        "licenses.d/MIT.txt",
        "a/LICENSES/MIT.txt",
    ]
    files = {path: f"Words of {path}".encode() for path in [*named, *others]}

    assert sorted(_found(files)) == sorted(named)


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"x" * (documents.MAX_TEXT + 1),
        b"***\n",
        b"With a \0 in it",
        b"\xf0\x28\x8c\x28",
    ],
    ids=["not UTF-8", "too long", "no words", "zero byte", "broken"],
)
def test_what_cannot_be_a_text_is_passed_over(content):
    assert _found({"LICENSE": content, "NOTICE": b"Words."}).keys() == {"NOTICE"}


def test_a_notice_that_says_what_its_license_asks_is_nothing_to_decide():
    asked = Document.objects.get(slug="llama3-1").facts["attribution_notice"]["text"]

    assert _found({"NOTICE": asked.encode() + b"\n", "Notice.txt": b"Other words."}).keys() == {
        "Notice.txt"
    }


def test_a_text_is_noted_once_in_a_repository():
    repository = factories.make_repository()

    assert _found({"LICENSE": TEXT}, repository)
    assert not _found({"other": b"1"}, repository)
    assert _found({"LICENSE": TEXT + b"Changed."}, repository)
    assert FoundText.objects.count() == 2


def test_one_repository_cannot_fill_the_list(monkeypatch):
    monkeypatch.setattr(texts, "MOST_WAITING", 3)
    repository = factories.make_repository()
    many = {f"LICENSE-{i}": f"Words number {i}".encode() for i in range(texts.MOST_FILES + 5)}

    _found(many, repository)

    assert FoundText.objects.count() == 3


def test_a_commit_looks_for_texts_and_does_not_fail_by_them(django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        factories.make_commit(
            factories.make_repository(), {"LICENSE": TEXT, "NOTICE": b"\xff", "LICENSES": b"a file"}
        )

    assert _waiting() == ["LICENSE", "LICENSES"]


def test_a_lost_file_is_passed_over(monkeypatch):
    revision = factories.make_commit(factories.make_repository(), {"LICENSE": TEXT})
    blobs.delete(texts._candidates(revision)[0][1])

    assert texts.look_through(revision) == []


def test_the_same_unknown_text_is_shown_once():
    for _ in range(3):
        _found({"LICENSE": TEXT, "LICENSE.md": MARKED})
    _found({"COPYING": b"Quite another text."})

    newest, same = texts.with_places(list(texts.groups()))

    assert (newest.first.path, newest.repositories, newest.places) == ("COPYING", 1, 1)
    assert (same.first.path, same.repositories, same.places) == ("LICENSE", 3, 6)
    assert len(texts.places(same.first)) == 6
    assert not texts.groups(kind="policy").exists()


def test_a_text_that_is_taken_is_a_version_and_known_everywhere():
    found, other = _found({"LICENSE": TEXT})["LICENSE"], _found({"L": b"", "LICENSE": MARKED})
    steward = _steward()

    made = texts.take(found, slug="llama3-1", version="3.1", by=steward)

    found.refresh_from_db()
    other["LICENSE"].refresh_from_db()
    assert (bytes(made.text), made.loaded_by) == (TEXT, steward.public_id)
    assert made.source == {
        "repository": found.repository.public_id,
        "revision": found.revision.oid,
        "path": "LICENSE",
    }
    assert (found.state, found.version, found.decided_by) == ("taken", made, steward.user)
    assert (other["LICENSE"].state, other["LICENSE"].version) == ("recognised", made)
    assert _waiting() == []
    with pytest.raises(Conflict):
        texts.take(found, slug="llama3", version="3", by=steward)


def test_a_text_that_is_loaded_is_no_longer_waiting():
    found = _found({"LICENSE": MARKED})["LICENSE"]

    made = documents.add_text(slug="llama3-1", version="3.1", text=TEXT)

    found.refresh_from_db()
    assert (found.state, found.version) == ("recognised", made)


def test_a_text_that_was_loaded_while_it_came_in_does_not_wait():
    found = _found({"LICENSE": MARKED})["LICENSE"]
    documents.add_text(slug="llama3-1", version="3.1", text=TEXT)
    FoundText.objects.filter(pk=found.pk).update(state="unknown", version=None)

    assert _waiting() == []


def test_a_text_of_a_deleted_repository_waits_for_nobody():
    found = _found({"LICENSE": TEXT})["LICENSE"]
    by = factories.as_caller(found.repository.created_by)
    repositories.delete(found.repository, by=by)

    assert _waiting() == []


def test_a_dismissed_text_does_not_come_back():
    found = _found({"LICENSE": TEXT})["LICENSE"]
    _found({"LICENSE": MARKED})

    assert texts.dismiss(found, reason="A joke.", by=_steward()) == 2

    again = _found({"COPYING": TEXT})["COPYING"]
    assert (again.state, again.reason) == ("dismissed", "A joke.")
    assert _waiting() == []
    assert Entry.objects.get(event="text.dismiss").details["places"] == 2
    with pytest.raises(Conflict):
        texts.dismiss(found, reason="Again.", by=_steward())


@pytest.mark.parametrize("reason", [" ", "r" * 501])
def test_a_text_is_dismissed_for_a_reason(reason):
    with pytest.raises(Invalid):
        texts.dismiss(_found({"LICENSE": TEXT})["LICENSE"], reason=reason, by=_steward())


@pytest.mark.parametrize("who", ["nobody", "owner", "maintainer", "write token"])
def test_only_stewards_decide_on_texts(who):
    found = _found({"LICENSE": TEXT})["LICENSE"]
    by = {
        "nobody": NOBODY,
        "owner": factories.as_caller(found.repository.created_by),
        "maintainer": factories.as_caller(factories.make_maintainer()),
        "write token": Caller(user=factories.make_user(site_role="steward"), scope="write"),
    }[who]

    with pytest.raises(NotAllowed):
        texts.take(found, slug="llama3-1", version="3.1", by=by)
    with pytest.raises(NotAllowed):
        texts.dismiss(found, reason="No.", by=by)

    assert _waiting() == ["LICENSE"]


def test_a_text_that_is_gone_cannot_be_taken():
    found = _found({"LICENSE": TEXT})["LICENSE"]
    blobs.delete(found.sha256)

    with pytest.raises(NotNow, match="no longer stored"):
        texts.take(found, slug="llama3-1", version="3.1", by=_steward())

    assert _waiting() == ["LICENSE"]


def test_the_nearest_text_is_the_one_with_most_words_in_common():
    near = documents.add_text(slug="llama3-1", version="3.1", text=TEXT)
    documents.add_text(slug="llama3", version="3", text=b"Quite another text, and longer.")

    found = texts.nearest(TEXT.decode() + "Not on Sundays.")

    assert found is not None
    assert (found.version, found.is_near, found.percent) == (near, True, 88)


@pytest.mark.django_db(transaction=True)
def test_a_text_that_is_taken_and_loaded_at_once_is_there_once():
    factories.make_facts()
    factories.make_commit(factories.make_repository(), {"LICENSE": TEXT})
    found = FoundText.objects.get()
    first, second = _steward(), _steward()

    outcomes = at_once(
        lambda: texts.take(found, slug="mit", version="1", by=first),
        lambda: documents.add_text(slug="mit", version="1", text=TEXT, by=second),
        lambda: texts.dismiss(found, reason="A joke.", by=second),
    )

    assert not [one for one in outcomes if isinstance(one, Exception) and type(one) is not Conflict]
    found.refresh_from_db()
    held = DocumentVersion.objects.filter(text=TEXT).count()
    assert held <= 1
    assert found.state == "dismissed" or held == 1
    assert (found.version is not None) == (found.state in {"taken", "recognised"})


@pytest.mark.django_db(transaction=True)
def test_words_of_texts_that_were_loaded_before_are_hashed_afterwards():
    factories.make_facts()
    document = Document.objects.get(slug="mit")
    old = document.versions.create(version="old", text=TEXT, sha256="a" * 64)
    migration = import_module("registry.agreements.migrations.0007_words_of_texts")

    with connection.schema_editor() as editor:
        migration.hash_words(apps, editor)

    old.refresh_from_db()
    assert documents.recognise(MARKED) == old
    with refused_as_evidence():
        DocumentVersion.objects.filter(pk=old.pk).update(normalised="")


def _row(**rest: Any) -> FoundText:
    found = _found({"LICENSE": TEXT})["LICENSE"]
    values = {
        field: getattr(found, field)
        for field in ("repository", "revision", "kind", "sha256", "normalised")
    }
    return FoundText(
        **(values | {"path": "L", "state": "unknown", "found_at": timezone.now()} | rest)
    )


def test_the_database_notes_a_text_once_in_a_repository():
    row = _row(path="LICENSE")

    with refused_by("text_found_once_in_a_repository"):
        row.save()


@pytest.mark.parametrize("state", ["recognised", "taken"])
def test_a_text_is_known_as_a_version(state):
    row = _row(state=state)
    if state == "taken":
        row.decided_by, row.decided_at = factories.make_user(), timezone.now()

    with refused_by("found_text_is_a_version_once_known"):
        row.save()


@pytest.mark.parametrize("state", ["dismissed", "unknown"])
def test_a_text_is_decided_on_by_somebody(state):
    row = _row(state=state)
    if state == "unknown":
        row.decided_at = timezone.now()

    with refused_by("found_text_is_decided_by_somebody"):
        row.save()
