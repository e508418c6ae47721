"""Pages and the API asked for by a former name lead to the name now, or are missing."""

import pytest
from django.test import Client

from registry.catalog import repositories
from tests.factories import as_caller, make_released, make_repository, make_user

pytestmark = pytest.mark.django_db


def test_pages_and_the_own_api_lead_on() -> None:
    ada = make_user("ada")
    release = make_released(make_repository(ada, "tiny"))
    repositories.move(release.repository, to="ada/small", by=as_caller(ada))

    page = Client().get("/ada/tiny/tree/main?x=1")
    assert (page.status_code, page.headers["Location"]) == (307, "/ada/small/tree/main?x=1")
    own = Client().get("/api/v1/models/ada/tiny/terms")
    assert (own.status_code, own.headers["Location"]) == (307, "/api/v1/models/ada/small/terms")
    assert Client().get("/ada/small").status_code == 200


def test_the_old_name_of_something_private_leads_nowhere() -> None:
    ada = make_user("ada")
    release = make_released(make_repository(ada, "tiny", visibility="private"))
    repositories.move(release.repository, to="ada/small", by=as_caller(ada))

    assert Client().get("/ada/tiny").status_code == 404
    assert Client().get("/api/v1/models/ada/tiny/terms").status_code == 404
