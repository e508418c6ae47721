"""The language that a person reads."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.utils import translation

from registry.accounts import languages
from registry.accounts.models import User
from registry.errors import Invalid
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def _stored(user: User) -> str:
    return User.objects.get(pk=user.pk).language


def test_a_language_that_the_site_does_not_speak_is_not_taken() -> None:
    ada = factories.make_user()
    with pytest.raises(Invalid):
        languages.choose(ada, "tlh")

    with refused_by("language_is_spoken_here"):
        User.objects.update(language="tlh")

    languages.choose(ada, "fr")
    assert _stored(ada) == "fr"
    languages.choose(ada, "")
    assert languages.of(ada) == "en"


def test_a_language_that_the_site_has_unlearned_is_not_spoken(settings) -> None:
    ada = factories.make_user()
    languages.choose(ada, "fr")
    settings.LANGUAGES = [("en", "English")]

    assert languages.of(User.objects.get(pk=ada.pk)) == "en"


def test_what_is_said_to_one_person_is_in_their_language_and_no_longer() -> None:
    ada = factories.make_user()
    languages.choose(ada, "fr")
    at = datetime(2026, 2, 1, 1, 5, tzinfo=timezone(timedelta(hours=2)))

    with translation.override("en"):
        with languages.speaking_to(ada):
            assert languages.day(at) == "31 janvier 2026"
        assert languages.moment(at) == "31 January 2026, 23:05 UTC"
    assert languages.day(at.astimezone(UTC)) == "31 January 2026"
