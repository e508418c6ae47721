"""What a pull request changes, as text: shown behind the gate, and noted as what was got."""

import pytest

from registry.accounts.callers import Caller
from registry.audit.models import Access
from registry.discussions import pull_requests
from registry.discussions.models import Discussion
from registry.releases import diffs
from tests.factories import (
    accept_terms,
    as_caller,
    make_pull_request,
    make_released,
    make_repository,
    make_user,
)

pytestmark = pytest.mark.django_db
CARD = "---\nlicense: llama3.1\n---\n"


def told(pull: Discussion, by: Caller) -> str | None:
    sides = pull_requests.sides(pull, caller=by)
    assert sides is not None
    return diffs.text(pull.repository, sides, caller=by)


def test_what_is_compared_is_in_the_access_log_and_what_is_only_named_is_not() -> None:
    files = {"README.md": CARD, "a.txt": "one\n", "model.safetensors": b"w"}
    repository = make_repository()
    make_released(repository, files=files)
    change = {"a.txt": "two\n", "new.txt": "new\n", "model.safetensors": b"v"}
    pull = make_pull_request(repository, change, by=repository.created_by)

    text = told(pull, as_caller(repository.created_by))

    assert text is not None
    assert "-one\n+two\n" in text
    assert "Binary files a/model.safetensors" in text
    noted = sorted(Access.objects.values_list("path", "reason", "size"))
    assert noted == [
        ("a.txt", "own", 4),
        ("a.txt", "own", 4),
        ("new.txt", "own", 4),
    ]


def test_who_has_not_accepted_the_terms_is_told_nothing_and_nothing_is_noted() -> None:
    repository, author = make_repository(), make_user()
    release = make_released(repository, files={"README.md": CARD, "a.txt": "one\n"})
    accept_terms(release, author)
    pull = make_pull_request(repository, {"a.txt": "two\n"}, by=author)

    assert told(pull, as_caller(author)) is not None
    before = Access.objects.count()
    stranger = make_user()
    sides = pull_requests.sides(pull, caller=as_caller(author))
    assert sides is not None

    assert diffs.text(repository, sides, caller=as_caller(stranger)) is None
    assert Access.objects.count() == before > 0
