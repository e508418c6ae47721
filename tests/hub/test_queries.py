"""How often the database is asked: these numbers only go down."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.accounts.models import AccessToken
from tests.factories import accept_terms, make_released, make_repository, make_token, make_user
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db


def queries(wire: Wire, method: str, path: str) -> list[str]:
    """The queries of a second request: the first one notes that the token was used."""
    wire(method, path)
    with CaptureQueriesContext(connection) as captured:
        assert wire(method, path).status_code == 200
    return [query["sql"] for query in captured.captured_queries]


def test_a_reader_costs_few_queries() -> None:
    release = make_released()
    reader = make_user()
    accept_terms(release, reader)
    wire = Wire(secret=make_token(reader, "read"))
    name = str(release.repository)

    assert AccessToken.objects.filter(user=reader).count() == 1
    assert len(queries(wire, "HEAD", f"/{name}/resolve/main/model.safetensors")) <= 6
    assert len(queries(wire, "GET", f"/{name}/resolve/main/model.safetensors")) <= 7
    assert len(queries(wire, "GET", f"/api/models/{name}")) <= 6
    assert len(queries(wire, "GET", f"/api/models/{name}/tree/main")) <= 6
    assert len(queries(wire, "GET", f"/api/models/{name}/refs")) <= 6
    assert len(queries(wire, "GET", "/api/whoami-v2")) <= 3


def test_a_list_costs_the_same_for_one_and_for_many() -> None:
    owner = make_user()
    make_released(make_repository(owner))
    wire = Wire(make_user())
    paths = ["/api/models", "/api/models?full=true&cardData=true"]

    few = [len(queries(wire, "GET", path)) for path in paths]
    for _ in range(3):
        make_released(make_repository(owner))

    assert [len(queries(wire, "GET", path)) for path in paths] == few
    assert max(few) <= 6
