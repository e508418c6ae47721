"""Whatever is sent to the operations that the description names, no answer is a failure of ours."""

import json
from typing import Any

import pytest
import schemathesis
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.accounts.models import User
from registry.agreements import groups, requests
from registry.agreements.models import DocumentVersion
from registry.api.urls import api
from registry.catalog.models import Gated
from registry.checks.models import Rescan
from registry.releases import advisories, remarks
from registry.releases.models import Advisory, Campaign, CampaignKind, Release
from registry.releases.remarks import Where
from tests.agreements.access import owner_of, set_mode
from tests.api.calls import As
from tests.factories import make_facts, make_maintainer, make_release, make_user

pytestmark = pytest.mark.django_db

DESCRIPTION = schemathesis.openapi.from_dict(api.get_openapi_schema(path_prefix="/api/v1/"))
OPERATIONS = {one.ok().label: one.ok() for one in DESCRIPTION.get_all_operations()}
STEPS = [
    "accept",
    "ask-back",
    "submit",
    "approve",
    "reject",
    "request-changes",
    "withdraw",
    "suspend",
    "recall",
    "resolve",
    "fly",
]


@pytest.fixture
def release() -> Release:
    make_facts()
    return make_release()


@pytest.fixture
def callers(release: Release) -> list[As]:
    owner: User = release.repository.created_by
    steward = make_user(site_role="steward")
    return [As(), As(make_user()), As(owner), As(make_maintainer()), As(steward)]


def known(release: Release) -> dict[str, str]:
    """Names that mean something, so that what is sent reaches the rules behind them."""
    return {
        "namespace": release.repository.namespace.name,
        "name": release.repository.name,
        "revision": release.revision.oid,
        "release_id": release.public_id,
        "receipt_id": "0" * 24,
        "override_id": "0" * 24,
        "advisory_id": known_advisory(release).public_id,
        "campaign_id": known_campaign().public_id,
        "rescan_id": known_rescan().public_id,
        "remark_id": known_remark(release),
        "act": "resolve",
        "kind": "acceptances",
        **known_of_access(release),
    }


def known_advisory(release: Release) -> Advisory:
    """A notice about the repository."""
    return advisories.make(
        release.repository,
        kind="notice",
        category="other",
        severity="low",
        reason="Look at it.",
        by=release.opened_by,
    )


def known_remark(release: Release) -> str:
    """One on the release as a whole."""
    return remarks.make(
        release, "Why?", where=Where(), by=owner_of(release.repository)
    ).event.public_id


def known_campaign() -> Campaign:
    """A proposal that waits for a second steward."""
    version = DocumentVersion.objects.select_related("document").first()
    assert version is not None
    now = timezone.now()
    return Campaign.objects.create(
        document=version.document,
        version=version,
        kind=CampaignKind.EDITORIAL,
        note="New words.",
        effective_at=now,
        opened_by=make_user(site_role="steward"),
        opened_at=now,
    )


def known_rescan() -> Rescan:
    """One that is open and without runs."""
    return Rescan.objects.create(catalogue="1", reason="A new check.", started_at=timezone.now())


def known_of_access(release: Release) -> dict[str, str]:
    """A request, its grant and a group, made once for each release."""
    repository = release.repository
    if not repository.gated:
        set_mode(repository, Gated.MANUAL)
        requests.grant(repository, user=make_user().username, by=owner_of(repository))
        groups.make(repository.namespace, "a group", by=owner_of(repository))
    grant = repository.access_grants.first()
    return {
        "request_id": grant.request.public_id,
        "grant_id": grant.public_id,
        "group_id": repository.namespace.access_groups.first().public_id,
    }


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_is_answered_by_a_failure(
    label: str, release: Release, callers: list[As]
) -> None:
    operation = OPERATIONS[label]
    names = known(release)

    @settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(case=operation.as_strategy(), picks=st.data())
    def send(case: Any, picks: st.DataObject) -> None:
        if picks.draw(st.booleans(), label="names that exist"):
            here = names | {"step": picks.draw(st.sampled_from(STEPS))}
            case.path_parameters = {name: here[name] for name in case.path_parameters or {}}
        caller = picks.draw(st.sampled_from(callers), label="caller")
        sent = case.as_transport_kwargs(base_url="http://testserver")
        answer = caller.client.generic(
            case.method,
            f"/{sent['url'].split('/', 3)[3]}",
            _body(sent),
            content_type="application/json",
            headers=caller.headers,
            query_params=sent.get("params") or {},
        )
        assert answer.status_code < 500, answer.content
        if answer.status_code >= 400:
            assert answer.json()["error"]

    send()


class Known(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "grants"


def test_a_zero_byte_in_a_query_is_refused_by_every_operation(release: Release) -> None:
    owner, names = As(release.repository.created_by), known(release)

    for path, methods in api.get_openapi_schema(path_prefix="")["paths"].items():
        asked = methods.get("get", {}).get("parameters", [])
        for name in [one["name"] for one in asked if one["in"] == "query"]:
            answer = owner.get(path.format_map(Known(names)), **{name: "\0x"})
            assert 400 <= answer.status_code < 500, (path, name)


def _body(sent: dict[str, Any]) -> bytes | str:
    if sent.get("json") is not None:
        return json.dumps(sent["json"])
    return sent.get("data") or b""
