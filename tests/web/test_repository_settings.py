"""The settings of a repository: who has them, and what each step does."""

import pytest
from django.test import Client

from registry.accounts.models import Role
from registry.catalog.models import Deprecation, Repository
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_admin_sets_advises_moves_and_deletes(client: Client) -> None:
    ada = factories.make_user("ada")
    repository = factories.make_repository(ada, "model")
    client.force_login(ada)

    client.post("/ada/model/settings/visibility", {"visibility": "private"})
    repository.refresh_from_db()
    assert repository.visibility == "private"
    wrong = client.post(
        "/ada/model/settings/deprecate", {"successor": "no/such", "note": "Typed words"}
    )
    assert wrong.status_code == 422
    assert "Typed words" in wrong.text
    client.post("/ada/model/settings/deprecate", {"note": "It <b>drifts</b>."})
    page = client.get("/ada/model").text
    assert "Deprecated." in page
    assert "It &lt;b&gt;drifts&lt;/b&gt;." in page
    client.post("/ada/model/settings/take-back")
    assert not Deprecation.objects.exists()
    moved = client.post("/ada/model/settings/move", {"to": "ada/renamed"})
    assert moved["Location"] == "/ada/renamed/settings"
    refused = client.post("/ada/renamed/settings/delete", {"typed": "renamed"})
    assert refused.status_code == 422
    client.post("/ada/renamed/settings/delete", {"typed": "ada/renamed"})
    assert Repository.objects.get(pk=repository.pk).deleted_at is not None
    assert client.get("/ada/renamed/settings").status_code == 404


def test_a_contributor_renames_and_does_no_more(client: Client) -> None:
    lab = factories.make_organisation("lab", owner=(ada := factories.make_user("ada")))
    repository = factories.make_repository(ada, "model", namespace="lab")
    client.force_login(factories.make_member(lab, Role.WRITE))

    page = client.get("/lab/model/settings").text

    assert "settings/move" in page
    for step, typed in (
        ("visibility", {"visibility": "private"}),
        ("deprecate", {"note": "x"}),
        ("delete", {"typed": "lab/model"}),
    ):
        assert f"settings/{step}" not in page
        assert client.post(f"/lab/model/settings/{step}", typed).status_code == 422
    repository.refresh_from_db()
    assert (repository.visibility, repository.deleted_at) == ("public", None)
    assert not Deprecation.objects.exists()


def test_others_have_no_settings(client: Client) -> None:
    release = factories.make_released()
    name = release.repository.full_name
    assert client.get(f"/{name}/settings").status_code == 302  # to sign in
    assert client.post(f"/{name}/settings/delete", {"typed": name}).status_code == 302
    for person in (factories.make_user(), factories.make_maintainer()):
        client.force_login(person)
        assert client.get(f"/{name}/settings").status_code == 404
        assert client.post(f"/{name}/settings/delete", {"typed": name}).status_code == 404
    client.force_login(release.repository.created_by)
    assert "A maintainer suspends or recalls it first" in client.get(f"/{name}/settings").text
    assert client.post(f"/{name}/settings/nothing").status_code == 404
