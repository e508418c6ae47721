"""Which texts a version takes the place of."""

import pytest
from django.utils import timezone

from registry.releases import campaigns, in_force
from registry.releases.models import TermsChange
from tests import factories
from tests.releases.campaigning import load, make_campaign

pytestmark = pytest.mark.django_db


def test_a_campaign_never_puts_a_newer_text_of_the_same_day_back() -> None:
    factories.make_released()
    first = load("3.1")
    campaign = make_campaign(first)
    newer = load("3.2")

    release = factories.make_released()

    assert not TermsChange.objects.filter(release=release).exists()
    later = in_force.of(release, max(campaign.effective_at, timezone.now()))
    assert newer.sha256 in {item["sha256"] for item in later.terms["documents"]}


def test_a_release_under_the_new_version_is_left_alone() -> None:
    version = load("3.1")
    older = factories.make_released()
    newer_text = load("3.2")
    newer = factories.make_released()

    make_campaign(newer_text)

    assert campaigns.coming(older) is not None
    assert campaigns.coming(newer) is None
    assert version.sha256 in {item["sha256"] for item in older.terms["documents"]}
