"""What a test of several transactions leaves behind: nothing."""

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.utils import timezone

from registry.agreements.models import Document, DocumentVersion
from registry.audit.models import Access, Entry
from tests import factories, tables
from tests.refusals import refused_as_evidence


@pytest.mark.django_db(transaction=True)
def test_the_tables_are_as_before_and_evidence_is_guarded_again() -> None:
    before = _rows()
    assert Permission.objects.exists()
    assert Document.objects.exists()

    factories.make_released()
    _download()
    Document.objects.update(title="Another")
    assert Entry.objects.exists()
    assert Access.objects.exists()
    tables.bring_back()

    assert _rows() == before
    with refused_as_evidence():
        DocumentVersion.objects.all().delete()
    _download()
    with refused_as_evidence():
        Access.objects.all().delete()


def _download() -> None:
    Access.objects.create(at=timezone.now(), first_byte=0, last_byte=0, size=1)


def _rows() -> dict[str, list[tuple[object, ...]]]:
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT one::text FROM "{table}" AS one ORDER BY 1')  # noqa: S608
            found[table] = cursor.fetchall()
    return found
