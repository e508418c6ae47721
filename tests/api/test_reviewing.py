"""Claims, ticks, remarks and policies through the API: thin above the rules that the pages use."""

import pytest

from registry.accounts.models import User
from registry.releases import checklists, policies
from registry.releases.models import Claim, Release
from tests import factories
from tests.api.calls import As

pytestmark = pytest.mark.django_db


@pytest.fixture
def release() -> Release:
    return factories.make_release()


@pytest.fixture
def bob() -> User:
    return factories.make_maintainer("bob")


def test_a_review_is_worked_on_through_the_api(release, bob):
    of_site = checklists.add("Read it", namespace=None, by=factories.as_caller(bob))
    maintainer, owner = As(bob), As(release.opened_by)
    at = f"/releases/{release.public_id}"

    assert maintainer.post(f"{at}/claim").json()[0]["reviewer"] == "bob"
    assert maintainer.get(at).json()["claims"][0]["given_by"] == "bob"
    assert maintainer.post(f"{at}/unclaim").json() == []
    said = maintainer.post(
        f"{at}/remarks",
        {"text": "Why?", "place": "line", "path": "README.md", "line": 2, "side": "after"},
    )
    assert said.status_code == 201
    on = f"/remarks/{said.json()['id']}"
    assert owner.post(f"{on}/answers", {"text": "So."}).json()["answers"] == said.json()["id"]
    assert owner.post(f"{on}/resolve").json()["resolved"] is True
    assert owner.post(f"{on}/reopen").json()["resolved"] is False
    assert [one["text"] for one in owner.get(f"{at}/remarks").json()] == ["Why?", "So."]
    digest = {"digest": release.digest}
    refused = maintainer.post(f"{at}/approve", digest)
    assert refused.status_code == 422
    kept = maintainer.post(f"{at}/ticks", digest | {"items": [of_site.public_id]})
    assert kept.json()[0]["ticked"] is True
    assert maintainer.post(f"{at}/approve", digest).json()["status"] == "released"
    assert owner.get(at).json()["checklist"] == []


def test_those_who_may_not_are_refused(release, bob):
    at = f"/releases/{release.public_id}"
    digest = {"digest": release.digest, "items": []}
    for client, status in (
        (As(), 401),
        (As(factories.make_user()), 404),
        (As(release.opened_by), 403),
        (As(bob, "write"), 403),
    ):
        for path, body in ((f"{at}/claim", {}), (f"{at}/unclaim", {}), (f"{at}/ticks", digest)):
            assert client.post(path, body).status_code == status, path
    for client in (As(factories.make_user()), As(bob)):
        assert client.post(f"/remarks/{'0' * 24}/resolve").status_code == 404
    assert As(release.opened_by, "read").post(f"{at}/remarks", {"text": "x"}).status_code == 403
    assert As(bob).post(f"{at}/claim", {"reviewer": "nobody"}).status_code == 422
    assert not Claim.objects.exists()


def test_a_policy_is_read_by_reviewers_and_set_by_admins(release, bob):
    namespace = release.repository.namespace
    at = f"/api/v1/namespaces/{namespace.name}/review-policy"
    wanted = {"approvals": 2, "reviews_apart": True, "bars": ["parent_author"]}

    def put(client: As) -> int:
        sent = client.client.put(
            at, wanted, content_type="application/json", headers=client.headers
        )
        return sent.status_code

    read = As(bob).get(f"/namespaces/{namespace.name}/review-policy").json()
    assert read == {"approvals": 1, "reviews_apart": False, "bars": []}
    assert As(factories.make_user()).get(at.removeprefix("/api/v1")).status_code == 404
    assert [put(As(bob)), put(As(factories.make_user())), put(As())] == [403, 404, 401]
    assert put(As(release.opened_by)) == 200
    assert policies.of(namespace.pk).reviews_apart
