"""Tables as they were before the first test: how a test of several transactions is undone.

Django would empty every table, and make permissions and facts anew. Most tables are empty at the end
of a test, so this looks which are not, empties those, and puts back what was there in the beginning.
"""

from django.apps import apps
from django.db import connection, transaction
from django.test import TransactionTestCase

KEPT = "kept_by_tests"  # a schema with a copy of each table that held rows
# What no test changes
LEFT_ALONE = {"django_migrations", "django_content_type", "auth_permission"}


def remember() -> None:
    """From now on a test of several transactions leaves the tables as they are now."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {KEPT}")
        for table in _with_rows(_ours()):
            cursor.execute(f'CREATE TABLE {KEPT}."{table}" AS TABLE "{table}"')
    TransactionTestCase._fixture_teardown = lambda _: bring_back()


def bring_back() -> None:
    """Undo what was written since, and what evidence there is with it."""
    with transaction.atomic(), connection.cursor() as cursor:
        kept = _kept()
        used = _with_rows(_ours())
        guarded = _guarded() & {*used, *kept}
        for table in guarded:  # evidence lets nobody delete or write it but in its own way
            cursor.execute(f'ALTER TABLE "{table}" DISABLE TRIGGER USER')
        for table in used:
            cursor.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own
        for table, columns in kept.items():
            source = f'SELECT {columns} FROM {KEPT}."{table}"'  # noqa: S608
            cursor.execute(f'INSERT INTO "{table}" ({columns}) {source}')
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in guarded:
            cursor.execute(f'ALTER TABLE "{table}" ENABLE TRIGGER USER')


def _ours() -> list[str]:
    """Those of all models, also of those whose tables Django does not make: it would leave them."""
    models = apps.get_models(include_auto_created=True)
    return sorted({model._meta.db_table for model in models} - LEFT_ALONE)


def _with_rows(tables: list[str]) -> list[str]:
    asked = " UNION ALL ".join(
        f"SELECT '{table}' WHERE EXISTS (SELECT FROM \"{table}\")"  # noqa: S608
        for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(asked)
        return [table for (table,) in cursor.fetchall()]


def _kept() -> dict[str, str]:
    """The tables that held rows, with their columns that can be written."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, string_agg(quote_ident(column_name), ', ')"
            " FROM information_schema.columns"
            " WHERE table_schema = 'public' AND is_generated = 'NEVER' AND table_name IN"
            " (SELECT table_name FROM information_schema.tables WHERE table_schema = %s)"
            " GROUP BY table_name",
            [KEPT],
        )
        return dict(cursor.fetchall())


def _guarded() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT tgrelid::regclass::text FROM pg_trigger WHERE NOT tgisinternal"
        )
        return {table.strip('"') for (table,) in cursor.fetchall()}
