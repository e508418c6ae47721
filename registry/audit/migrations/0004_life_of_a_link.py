"""The access log says how long a signed link lives, where one was given in place of the bytes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_grant_of_an_access")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE audit_access ADD COLUMN link_seconds integer NOT NULL DEFAULT 0;",
            "ALTER TABLE audit_access DROP COLUMN link_seconds;",
        ),
        migrations.AddField(
            model_name="access",
            name="link_seconds",
            field=models.IntegerField(db_default=0, default=0),
        ),
    ]
