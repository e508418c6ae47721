"""Downloads are counted from the access log: a person, a revision and a day are one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from registry.audit.models import Access
from registry.catalog import downloads
from registry.catalog.models import DailyDownloads
from tests import factories
from tests.refusals import refused_by

pytestmark = pytest.mark.django_db


def note(repository, *, actor="a" * 24, reason="accepted", first_byte=0, at=None):
    Access.objects.create(
        at=at or timezone.now(),
        actor=actor,
        repository=repository.public_id,
        revision="1" * 40,
        path="model.safetensors",
        sha256="2" * 64,
        first_byte=first_byte,
        last_byte=9,
        size=10,
        reason=reason,
    )


def test_ranges_of_one_person_count_once_and_authors_not_at_all():
    repository = factories.make_repository()
    note(repository)
    note(repository, first_byte=5)
    note(repository, actor="b" * 24)
    note(repository, actor="c" * 24, reason="own")

    downloads.recount()

    repository.refresh_from_db()
    assert repository.downloads == 2


def test_each_day_has_its_own_number_and_the_last_days_are_counted_again():
    now = timezone.now()
    one, other = factories.make_repository(), factories.make_repository()
    note(one, at=now - timedelta(hours=30))
    note(one)
    note(one, reason="open-file")
    note(other)
    downloads.recount()
    note(one, actor="b" * 24)
    note(one, actor="b" * 24, first_byte=5)

    downloads.recount()
    downloads.recount()

    found = downloads.by_day(one, days=7, now=now)
    assert [day for day, _ in found] == [
        now.date() - timedelta(days=ago) for ago in reversed(range(7))
    ]
    assert found[-1] == (now.date(), 2)
    assert sum(count for _, count in found) == 3
    together = downloads.by_day_of_all([one.pk, other.pk], days=1, now=now)
    assert together == [(now.date(), 3)]


def test_a_day_is_counted_once_and_only_where_there_is_something_to_count():
    repository, today = factories.make_repository(), timezone.now().date()
    DailyDownloads.objects.create(repository=repository, day=today, count=1)

    with refused_by("downloads_counted_once_a_day"):
        DailyDownloads.objects.create(repository=repository, day=today, count=2)
    with refused_by("a_day_without_downloads_has_no_row"):
        DailyDownloads.objects.create(repository=repository, day=today - timedelta(days=1), count=0)
