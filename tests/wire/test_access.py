"""The publisher's lock with the real client: set, asked for, decided on, granted and revoked."""

import http.client
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from registry.accounts.models import User
from registry.agreements import grants, groups, lapses, requests
from registry.agreements.models import Grant
from registry.agreements.scopes import Scope
from registry.catalog.models import Gated
from registry.releases.models import Release
from tests.agreements.access import make_gated, owner_of, set_mode
from tests.factories import CARD, accept_terms, make_repository, make_token, make_user
from tests.wire.clients import Client, ClientError

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[..., Client]


@pytest.fixture
def release() -> Release:
    return make_gated("", card=CARD)


@pytest.fixture
def bob() -> User:
    return make_user("bob", full_name="Bob B.")


def _ask(url: str, repository: object, user: User) -> int:
    """What a form at a terminal does; the client has no method for it."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    headers = {
        "Authorization": f"Bearer {make_token(user)}",
        "Content-Type": "application/json",
    }
    line.request("POST", f"/{repository}/ask-access", b"{}", headers)
    status = line.getresponse().status
    line.close()
    return status


def _refusal(client: Client, release: Release) -> str:
    with pytest.raises(ClientError) as caught:
        client("hf_hub_download", repo_id=str(release.repository), filename="model.safetensors")
    assert "GatedRepoError" in caught.value.kinds, caught.value
    return caught.value.message


def test_a_publisher_decides_about_a_reader(
    client_of: ClientOf, registry_url: str, release: Release, bob: User
) -> None:
    owner, reader = client_of(release.repository.created_by, "admin"), client_of(bob)
    here = {"repo_id": str(release.repository)}
    accept_terms(release, bob)

    if owner.is_oldest:  # it has no method for settings
        set_mode(release.repository, "manual")
    else:
        owner("update_repo_settings", **here, gated="manual")
    assert owner("model_info", **here)["gated"] == "manual"
    message = _refusal(reader, release)
    assert "you are not in the authorized list" in message
    assert f"{registry_url}/{release.repository}" in message
    assert _ask(registry_url, release.repository, bob) == 303
    assert "is awaiting a review from the repo authors." in _refusal(reader, release)

    (pending,) = owner("list_pending_access_requests", **here)
    assert (pending["username"], pending["email"]) == ("bob", bob.email)
    owner("accept_access_request", **here, user="bob")
    path = reader("hf_hub_download", **here, filename="model.safetensors")
    assert Path(path).read_bytes() == b"weights of the model"
    assert [one["username"] for one in owner("list_accepted_access_requests", **here)] == ["bob"]
    owner("cancel_access_request", **here, user="bob")
    assert [one["status"] for one in owner("list_pending_access_requests", **here)] == ["pending"]
    reason = {} if owner.is_oldest else {"rejection_reason": "say what for"}
    owner("reject_access_request", **here, user="bob", **reason)
    assert [one["username"] for one in owner("list_rejected_access_requests", **here)] == ["bob"]
    Path(path).unlink()
    assert "has been rejected by the repo's authors" in _refusal(reader, release)
    if not owner.is_oldest:
        with pytest.raises(ClientError, match="has been rejected by the repo's authors"):
            reader("auth_check", **here)
    owner("grant_access", **here, user="bob")
    with pytest.raises(ClientError, match="That user already has access to the repo"):
        owner("grant_access", **here, user="bob")


def test_the_message_of_the_gate_reaches_the_user_of_every_client(
    client_of: ClientOf, release: Release, bob: User
) -> None:
    release.repository.gated = "manual"
    release.repository.save(update_fields=["gated"])

    assert "you are not in the authorized list" in _refusal(client_of(bob), release)
    assert "Please log in." in _refusal(client_of(None), release)


def _range(url: str, release: Release, token: str, first: int, last: int) -> tuple[int, bytes]:
    """What a client that goes on with a download asks for."""
    line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
    headers = {"Authorization": f"Bearer {token}", "Range": f"bytes={first}-{last}"}
    line.request("GET", f"/{release.repository}/resolve/v1.0/model.safetensors", None, headers)
    answer = line.getresponse()
    found = answer.status, answer.read()
    line.close()
    return found


def test_revoking_cuts_a_download_at_its_next_range(registry_url: str, bob: User) -> None:
    release = make_gated()
    by = owner_of(release.repository)
    now = timezone.now()
    scope = Scope(ends_at=now + timedelta(days=5))
    requests.grant(release.repository, user="bob", by=by, scope=scope, now=now)
    token = make_token(bob)

    assert _range(registry_url, release, token, 0, 6) == (206, b"weights")
    assert _range(registry_url, release, token, 7, 9) == (206, b" of")
    grants.revoke(Grant.objects.get(), by=by)
    status, body = _range(registry_url, release, token, 10, 19)

    assert status == 403
    assert b" the model" not in body
    assert Grant.objects.get().revoked_by == by.user


def test_ranges_of_one_download_count_once_and_it_is_over_a_day_later(
    registry_url: str, bob: User
) -> None:
    release = make_gated()
    scope = Scope(full_downloads=1)
    requests.grant(release.repository, user="bob", by=owner_of(release.repository), scope=scope)
    grant, token = Grant.objects.get(), make_token(bob)
    size = len(b"weights of the model")

    at = {"release_digest": release.digest, "weights": {"model.safetensors": size}}

    assert _range(registry_url, release, token, 0, 9)[0] == 206
    assert grants.used(grant, **at) * 2 == 1
    for first in (5, 10, 15):
        assert _range(registry_url, release, token, first, size - 1)[0] == 206

    assert grants.used(grant, **at) == 1
    assert not grants.is_used_up(grant, now=timezone.now(), **at)
    assert grants.is_used_up(grant, now=timezone.now() + grants.SESSION, **at)


def test_the_clients_calls_work_on_the_requests_of_a_group(
    client_of: ClientOf, registry_url: str, bob: User
) -> None:
    release = make_gated()
    repository = release.repository
    by = owner_of(repository)
    other = make_gated(repository=make_repository(repository.created_by)).repository
    group = groups.make(repository.namespace, "both", by=by)
    for one in (repository, other):
        groups.put(group, one, by=by)
    groups.set_mode(group, Gated.MANUAL, by=by)
    owner, reader = client_of(repository.created_by), client_of(bob)

    assert _ask(registry_url, repository, bob) == 303
    (pending,) = owner("list_pending_access_requests", repo_id=str(other))
    assert pending["username"] == "bob"
    owner("accept_access_request", repo_id=str(other), user="bob")
    path = reader("hf_hub_download", repo_id=str(repository), filename="model.safetensors")
    assert Path(path).read_bytes() == b"weights of the model"
    reason = {} if owner.is_oldest else {"rejection_reason": "over"}
    owner("reject_access_request", repo_id=str(repository), user="bob", **reason)
    assert owner("list_accepted_access_requests", repo_id=str(other)) == []


def test_what_was_asked_back_is_pending_and_what_lapsed_is_in_no_list(
    client_of: ClientOf, registry_url: str, bob: User
) -> None:
    release = make_gated()
    repository, here = release.repository, {"repo_id": str(release.repository)}
    owner = client_of(repository.created_by)
    _ask(registry_url, repository, bob)
    request = requests.newest(repository, bob)
    assert request is not None
    requests.ask_back(
        repository, request_id=request.public_id, question="What for?", by=owner_of(repository)
    )

    assert [one["status"] for one in owner("list_pending_access_requests", **here)] == ["pending"]
    lapses.sweep(timezone.now() + timedelta(days=61))

    for which in ("pending", "accepted", "rejected"):
        assert owner(f"list_{which}_access_requests", **here) == []
    owner("grant_access", **here, user="bob")
    if not owner.is_oldest:  # it wants an address of everybody in a list
        (granted,) = owner("list_accepted_access_requests", **here)
        assert (granted["username"], granted["email"]) == ("bob", None)
