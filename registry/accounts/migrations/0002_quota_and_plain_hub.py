"""Room, and publishing on commit, by namespace."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="namespace",
            name="publishes_on_commit",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name="namespace",
            name="quota_bytes",
            field=models.BigIntegerField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="namespace",
            constraint=models.CheckConstraint(
                condition=models.Q(("quota_bytes", None), ("quota_bytes__gte", 0), _connector="OR"),
                name="namespace_quota_is_not_negative",
            ),
        ),
    ]
