"""A release in review, one of an organisation, and a maintainer who may decide on both."""

import pytest

from registry.accounts.callers import Caller
from registry.releases.models import Release
from tests import factories


@pytest.fixture
def release() -> Release:
    return factories.make_release()


@pytest.fixture
def of_lab() -> Release:
    lab = factories.make_organisation("lab")
    owner = lab.memberships.get().user
    return factories.make_release(factories.make_repository(owner, namespace="lab"))


@pytest.fixture
def bob() -> Caller:
    return factories.as_caller(factories.make_maintainer("bob"))
