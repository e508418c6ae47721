"""The list of datasets, looked at as the other pages are."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests import factories
from tests.web.browser.looking import look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.looks_at("datasets")
def test_datasets(page: Page, picture_folder: Path | None, settings: Any) -> None:
    settings.REPOSITORY_TYPES = ["model", "dataset"]
    ada = factories.make_user("ada")
    sign_in(page.context, ada)
    look(page, "datasets-none", "/datasets", picture_folder)

    factories.make_released(factories.make_repository(ada, "texts", type="dataset"))

    look(page, "datasets", "/datasets", picture_folder)
