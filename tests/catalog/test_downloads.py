"""Downloads are counted from the access log: a person, a revision and a day are one."""

import pytest
from django.utils import timezone

from registry.audit.models import Access
from registry.catalog import downloads
from tests import factories

pytestmark = pytest.mark.django_db


def note(repository, *, actor="a" * 24, reason="accepted", first_byte=0):
    Access.objects.create(
        at=timezone.now(),
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
