"""Every page answers, for each kind of visitor who may see it."""

import pytest
from django.test import Client

from tests import factories

pytestmark = pytest.mark.django_db


def test_the_catalog_lists_what_is_released(client: Client) -> None:
    release = factories.make_released()

    page = client.get("/")

    assert page.status_code == 200
    assert release.repository.name in page.text
