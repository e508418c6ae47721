"""The database refuses to change what was decided about access."""

from django.db import migrations

TABLE = "agreements_accessdecision"


class Migration(migrations.Migration):
    dependencies = [("agreements", "0003_access_requests"), ("audit", "0002_evidence")]

    operations = [
        migrations.RunSQL(
            f"CREATE TRIGGER {TABLE}_is_append_only BEFORE UPDATE OR DELETE ON {TABLE} "
            "FOR EACH ROW EXECUTE FUNCTION registry_refuse_change();"
            f"CREATE TRIGGER {TABLE}_is_not_emptied BEFORE TRUNCATE ON {TABLE} "
            "FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse_change();",
            f"DROP TRIGGER {TABLE}_is_append_only ON {TABLE};"
            f"DROP TRIGGER {TABLE}_is_not_emptied ON {TABLE};",
        )
    ]
