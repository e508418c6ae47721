"""The access log lies in monthly partitions."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from registry.audit import access
from registry.audit.models import Access

pytestmark = pytest.mark.django_db


def partition_of(row: Access) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM audit_access WHERE id = %s", [row.pk])
        return cursor.fetchone()[0]


def note(at: datetime) -> Access:
    return Access.objects.create(
        at=at,
        repository="1",
        revision="1",
        path="a",
        sha256="1",
        first_byte=0,
        last_byte=0,
        size=1,
        reason="own",
    )


def test_a_row_lies_in_the_partition_of_its_month():
    access.ensure_partitions(date(2031, 11, 30))

    assert partition_of(note(datetime(2031, 12, 31, 23, 59, tzinfo=UTC))) == "audit_access_2031_12"
    assert partition_of(note(datetime(2032, 1, 1, tzinfo=UTC))) == "audit_access_2032_01"


def test_a_row_of_a_month_without_a_partition_is_kept_all_the_same():
    assert partition_of(note(datetime(2041, 1, 1, tzinfo=UTC))) == "audit_access_rest"


def test_making_partitions_twice_changes_nothing():
    access.ensure_partitions(date(2031, 11, 30))
    access.ensure_partitions(date(2031, 11, 30))


def test_a_month_that_has_rows_in_the_rest_already_stays_there():
    note(datetime(2041, 1, 5, tzinfo=UTC))

    access.ensure_partitions(date(2041, 1, 6))

    assert partition_of(note(datetime(2041, 1, 7, tzinfo=UTC))) == "audit_access_rest"
    assert partition_of(note(datetime(2041, 2, 1, tzinfo=UTC))) == "audit_access_2041_02"
