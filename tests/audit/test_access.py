"""The access log: a row for each download, by month, never changed."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from registry.audit import access
from registry.audit.models import Access
from tests.refusals import refused_as_evidence

pytestmark = pytest.mark.django_db


def _note(at: datetime) -> Access:
    return Access.objects.create(
        at=at,
        actor="a" * 24,
        repository="b" * 24,
        revision="c" * 40,
        path="model.safetensors",
        sha256="d" * 64,
        first_byte=0,
        last_byte=9,
        size=10,
        reason="accepted",
    )


def _table_of(row: Access) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_access WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def test_rows_lie_in_the_partition_of_their_month():
    access.ensure_partitions(date(2031, 12, 15))

    last = _note(datetime(2031, 12, 31, 23, 59, 59, tzinfo=UTC))
    first = _note(datetime(2032, 1, 1, tzinfo=UTC))

    assert _table_of(last) == "audit_access_2031_12"
    assert _table_of(first) == "audit_access_2032_01"


def test_partitions_are_made_ahead_and_making_them_again_changes_nothing():
    access.ensure_partitions(date(2031, 11, 30))
    access.ensure_partitions(date(2031, 11, 30))

    assert _table_of(_note(datetime(2032, 1, 31, tzinfo=UTC))) == "audit_access_2032_01"


def test_a_month_without_a_partition_loses_no_row():
    row = _note(datetime(2041, 5, 5, tzinfo=UTC))

    assert _table_of(row) == "audit_access_rest"
    access.ensure_partitions(date(2041, 5, 6))
    assert Access.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("month", [5, 6])
def test_a_row_is_never_changed_or_deleted_in_any_partition(month):
    access.ensure_partitions(date(2051, 6, 1))
    row = _note(datetime(2051, month, 5, tzinfo=UTC))

    with refused_as_evidence():
        Access.objects.filter(pk=row.pk).update(actor="")
    with refused_as_evidence():
        Access.objects.filter(pk=row.pk).delete()
    with refused_as_evidence(), connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {_table_of(row)}")  # noqa: S608 - the partition itself


def test_a_noted_row_is_the_row_that_was_meant() -> None:
    texts = [f.name for f in Access._meta.concrete_fields if f.get_internal_type() == "CharField"]
    numbers = ["first_byte", "last_byte", "size", "link_seconds"]
    values = {name: name[:20] for name in texts} | {name: n for n, name in enumerate(numbers)}
    row = Access(at=datetime(2026, 3, 14, 9, 26, 53, 589793, tzinfo=UTC), **values)

    access.note(row)

    kept = Access.objects.values().get()
    assert kept.pop("id") > 0
    assert kept == {name: getattr(row, name) for name in kept}
