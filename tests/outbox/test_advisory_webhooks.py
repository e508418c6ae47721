"""What webhooks are told of advisories, and who is not told."""

from typing import Any

import pytest

from registry.catalog.models import Repository
from registry.releases import workflow
from registry.releases.models import Advisory
from tests.factories import as_caller, make_maintainer, make_released, make_user
from tests.outbox.receivers import Receiver, told

pytestmark = pytest.mark.django_db


def test_an_advisory_is_told_to_those_who_may_know_of_the_model_when_it_is_sent(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    release = make_released(lab, files={"README.md": "---\nlicense: mit\n---\n"})
    bob = make_user("bob")
    hook(bob)
    told(there)

    workflow.transition("suspend", release, by=as_caller(make_maintainer()), reason="It leaks.")

    (event,) = [one for one in told(there) if one["event"]["scope"] == "repo.advisory"]
    advisory = Advisory.objects.get()
    assert event["event"]["action"] == "create"
    assert event["advisory"] == {
        "id": advisory.public_id,
        "kind": "suspension",
        "severity": "high",
        "category": "other",
        "reason": "It leaks.",
        "releases": [{"version": release.version, "sha": release.revision.oid}],
        "url": {
            "web": f"https://models.example.org{advisory.get_absolute_url()}",
            "api": f"https://models.example.org/api/v1/advisories/{advisory.public_id}",
        },
    }
    workflow.transition("recall", release, by=as_caller(make_maintainer()), reason="For good.")
    Repository.objects.filter(pk=lab.pk).update(visibility="private")
    assert told(there) == []


def test_who_watches_discussions_alone_is_not_told_of_advisories(
    lab: Repository, hook: Any, there: Receiver
) -> None:
    release = make_released(lab, files={"README.md": "---\nlicense: mit\n---\n"})
    hook(make_user("bob"), domains=["discussion"])

    workflow.transition("suspend", release, by=as_caller(make_maintainer()), reason="It leaks.")

    assert not [one for one in told(there) if "advisory" in one]
