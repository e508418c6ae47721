"""Uploading on a page: the plain form, the short-lived token, and who may do neither."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from registry.accounts import tokens
from registry.accounts.models import AccessToken
from registry.catalog import files
from registry.catalog.models import MAIN, Ref, Repository, Revision, RevisionState
from registry.discussions.models import Discussion
from registry.errors import InvalidToken
from registry.storage import blobs
from registry.web.forms import uploads as forms
from tests.factories import make_released, make_repository, make_user

pytestmark = pytest.mark.django_db


def send(client: Client, repository: Repository, *contents: tuple[str, bytes], **rest: str) -> str:
    sent = [SimpleUploadedFile(name, content) for name, content in contents]
    answer = client.post(f"/{repository}/upload/main", {"files": sent} | rest)
    return answer["Location"] if answer.status_code == 302 else answer.text


def test_a_writer_sends_files_into_quarantine_without_a_script(client: Client) -> None:
    repository = make_repository(ada := make_user())
    client.force_login(ada)
    weights = bytes(range(256)) * 9

    to = send(
        client, repository, ("config.json", b"{}"), ("model.bin", weights), folder=" /sub/folder/"
    )

    made = Revision.objects.filter(repository=repository).latest("pk")
    assert to == f"/{repository}/checks/{made.oid}"
    assert made.state == RevisionState.QUARANTINE
    found = files.at(made, ["sub/folder/config.json", "sub/folder/model.bin"])
    config, model = found.values()
    assert not config.is_lfs  # type: ignore[union-attr]
    assert model.is_lfs  # type: ignore[union-attr]
    assert blobs.read(model.sha256, limit=9999) == weights  # type: ignore[union-attr]


def test_what_the_rules_refuse_is_said_and_what_was_typed_is_kept(client: Client) -> None:
    repository = make_repository(ada := make_user())
    client.force_login(ada)

    bad = send(client, repository, ("README.md", b"---\nlicense: [\n---\n"), summary="My words")
    none = send(client, repository)
    outside = send(client, repository, ("a.txt", b"a"), folder="../..")

    assert "The front matter is not valid YAML" in bad
    assert 'value="My words"' in bad
    assert "This field is required" in none
    assert "errors" in outside or "notice is-blocked" in outside
    # What was refused stays in view
    assert all('id="plain-upload" open' in page for page in (bad, none, outside))
    assert 'id="plain-upload" open' not in client.get(f"/{repository}/upload/main").text
    assert repository.revisions.count() == 1


def test_who_may_not_write_proposes(client: Client) -> None:
    repository = make_released().repository
    client.force_login(bob := make_user())

    page = client.get(f"/{repository}/upload/main").text
    to = send(client, repository, ("notes.txt", b"words"))

    assert "they become a pull request onto main" in page
    discussion = Discussion.objects.get(repository=repository, kind="pull_request", author=bob)
    assert to == discussion.get_absolute_url()
    assert Ref.objects.get(repository=repository, name=MAIN).head.author != bob


def test_whoever_may_not_know_of_it_gets_the_answer_of_nothing(client: Client) -> None:
    hidden = make_repository(visibility="private")
    paths = [f"/{name}/upload/main" for name in (hidden, "nobody/nothing")]

    assert {client.get(path).status_code for path in paths} == {302}  # to sign in
    client.force_login(make_user())
    assert {client.get(path).status_code for path in paths} == {404}
    assert {client.post(f"{path}/token").status_code for path in paths} == {404}
    unreleased = make_repository()
    assert client.get(f"/{unreleased}/upload/main").status_code == 404
    assert client.get(f"/{make_released().repository}/upload/other").status_code == 404


def test_the_script_gets_a_token_for_this_repository_that_ends_soon() -> None:
    repository = make_repository(ada := make_user())
    other = make_repository(ada)
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    at = f"/{repository}/upload/main/token"
    assert client.post(at).status_code == 403
    client.enforce_csrf_checks = client.handler.enforce_csrf_checks = False

    given = client.post(at).json()

    caller = tokens.recognise(given["token"])
    assert caller.can_write
    assert not caller.can_administer
    assert caller.reaches(repository.public_id)
    assert not caller.reaches(other.public_id)
    token = AccessToken.objects.get(public_id=given["id"])
    assert token.expires_at is not None
    assert 0 < (token.expires_at - timezone.now()).total_seconds() <= 2 * 3600

    stranger = Client()
    stranger.force_login(make_user())
    stranger.post(f"/{repository}/upload-token/{given['id']}/end")
    tokens.recognise(given["token"])  # it is not theirs to end
    assert client.post(f"/{repository}/upload-token/{given['id']}/end").status_code == 204
    with pytest.raises(InvalidToken):
        tokens.recognise(given["token"])


def test_a_body_above_the_bound_is_refused_unread(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forms, "MAX_FILES", 1)
    repository = make_repository(ada := make_user())
    client.force_login(ada)

    many = send(client, repository, ("a", b"a"), ("b", b"b"))
    answer = client.post(f"/{repository}/upload/main", CONTENT_LENGTH=10**9)

    assert "At most 1 files" in many
    assert answer.status_code == 413
    assert "too much for one form" in answer.text
    assert repository.revisions.count() == 1
