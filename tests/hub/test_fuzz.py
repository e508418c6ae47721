"""Whatever is sent to an address of the wire, no answer is a failure of ours."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.hub import addresses, routes
from registry.releases.models import Release
from tests.factories import make_facts, make_maintainer, make_released, make_user
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

ROUTES = {str(one.pattern): one for one in routes.urlpatterns}
# Everything that some body on the wire is read for, so that drawn bodies get past their shapes
WORDS = re.findall(
    r"\w+",
    """name organization type visibility private gated content files path size sample gitIgnore
    operation transfers hash_algo ref objects oid paths expand startingPoint tag message title
    description pullRequest comment status user requestId rejectionReason fromRepo toRepo repository
    deletions sha rewriteHistory target url watched domains secret parts partNumber etag key value
    summary header file lfsFile client_id device_code grant_type""",
)
PLAIN = ["", "main", "lab", "model", "dataset", "accepted", "pending", "closed", "public", "x/y"]
QUERIES = re.findall(
    r"\w+",
    """expand recursive limit cursor p status type author search filter sort full blobs
    create_pr num_parameters gated diff include_prs securityStatus""",
)

texts = st.one_of(st.sampled_from(PLAIN), st.text(max_size=12))
plain = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts)
values = st.recursive(
    plain,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.sampled_from(WORDS), texts), inner, max_size=5),
    ),
    max_leaves=8,
)
queries = st.dictionaries(st.sampled_from(QUERIES), texts, max_size=3)


@pytest.fixture(autouse=True)
def plain_static_files(settings: LazySettings) -> None:
    """What is no address of the wire gets the site's own page, which names its style sheets."""
    backend = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": backend}}


@pytest.fixture
def released() -> Release:
    make_facts()
    return make_released()


@pytest.fixture
def callers(released: Release) -> list[Wire]:
    owner = released.repository.created_by
    return [Wire(), Wire(make_user()), Wire(owner), Wire(owner, "admin"), Wire(make_maintainer())]


def known(released: Release) -> dict[type, list[str]]:
    """For each kind of part, texts that mean something in an address."""
    return {
        addresses.RepositoryId: [str(released.repository)],
        addresses.Plural: ["models"],
        addresses.RevisionSegment: ["main", released.revision.oid, "v1.0", "refs/pr/1"],
        addresses.FilePath: ["README.md", "sub", "none"],
        addresses.Segment: ["1", "main", "pending", "lab"],
    }


def address(route: Any, parts: dict[type, list[str]], draw: Any) -> str:
    """The address with a part drawn for each of its places, encoded."""
    text = str(route.pattern)
    for name, converter in route.pattern.converters.items():
        pool = parts[type(converter)]
        part = draw(st.one_of(st.sampled_from(pool), st.text(min_size=1, max_size=8)), label=name)
        place = next(p for p in text.split("<")[1:] if p.partition(">")[0].endswith(f":{name}"))
        keeps = "/" if isinstance(converter, addresses.RepositoryId | addresses.FilePath) else ""
        text = text.replace(f"<{place.partition('>')[0]}>", quote(part, safe=keeps), 1)
    return f"/{text}"


@pytest.mark.parametrize("name", ROUTES)
def test_no_request_is_answered_by_a_failure(
    name: str, released: Release, callers: list[Wire]
) -> None:
    route, parts = ROUTES[name], known(released)

    @settings(
        max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(picks=st.data())
    def send(picks: st.DataObject) -> None:
        method = picks.draw(st.sampled_from(sorted(route.callback.methods)), label="method")
        path = address(route, parts, picks.draw)
        if query := picks.draw(queries, label="query"):
            path += "?" + "&".join(f"{quote(k)}={quote(v)}" for k, v in query.items())
        body = json.dumps(picks.draw(values, label="body")).encode()
        answer = picks.draw(st.sampled_from(callers), label="caller")(method, path, body)
        assert answer.status_code < 500, answer.sent
        if answer.status_code >= 400 and answer["Content-Type"] == "application/json":
            assert method == "HEAD" or json.loads(answer.sent)["error"]

    send()
