"""The publisher's lock with the real client: set, asked for, decided on, granted and revoked."""

import http.client
from collections.abc import Callable
from pathlib import Path

import pytest

from registry.accounts.models import User
from registry.releases.models import Release
from tests.agreements.access import make_gated, set_mode
from tests.factories import CARD, accept_terms, make_token, make_user
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
