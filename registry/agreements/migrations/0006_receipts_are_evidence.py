"""The database refuses to change receipts, adherences and endings."""

from django.db import migrations

TABLES = [
    "agreements_receipt",
    "agreements_ending",
    "agreements_deletion",
    "agreements_adherence",
]


class Migration(migrations.Migration):
    dependencies = [("agreements", "0005_terms_that_bind"), ("audit", "0002_evidence")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {table}_is_append_only BEFORE UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION registry_refuse_change();"
            f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse_change();",
            f"DROP TRIGGER {table}_is_append_only ON {table};"
            f"DROP TRIGGER {table}_is_not_emptied ON {table};",
        )
        for table in TABLES
    ]
