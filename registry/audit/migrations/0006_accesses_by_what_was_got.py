"""Who got a revision, or something under a release, is found by it: advisories tell them."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_accesses_by_grant")]

    operations = [
        migrations.RunSQL(
            "CREATE INDEX audit_access_by_revision "
            "ON audit_access (repository, revision, actor, at);",
            "DROP INDEX audit_access_by_revision;",
        ),
        migrations.RunSQL(
            "CREATE INDEX audit_access_by_release "
            "ON audit_access (repository, release_digest, revision) "
            "WHERE release_digest <> '';",
            "DROP INDEX audit_access_by_release;",
        ),
    ]
