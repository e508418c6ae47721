"""The rows of the access log that name a grant are found by it: they count its downloads."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_life_of_a_link")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX audit_access_by_grant ON audit_access (access_grant, release_digest, at) "
            "WHERE access_grant <> '';",
            "DROP INDEX audit_access_by_grant;",
        ),
    ]
