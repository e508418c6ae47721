"""The database refuses to change what was ticked, advised and answered."""

from django.db import migrations

TABLES = [
    "releases_advisory",
    "releases_advisoryscope",
    "releases_checklisttick",
    "releases_reportanswer",
]


class Migration(migrations.Migration):
    dependencies = [("releases", "0007_reviews_and_what_follows"), ("audit", "0002_evidence")]

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
