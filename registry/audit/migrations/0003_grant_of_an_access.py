"""The access log names the grant that let a person in."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_evidence")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE audit_access ADD COLUMN access_grant varchar(24) NOT NULL DEFAULT '';",
            "ALTER TABLE audit_access DROP COLUMN access_grant;",
        ),
        migrations.AddField(
            model_name="access",
            name="grant",
            field=models.CharField(
                blank=True, db_column="access_grant", db_default="", max_length=24
            ),
        ),
    ]
