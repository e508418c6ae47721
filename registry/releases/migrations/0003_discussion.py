"""The thread in which a release is discussed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("discussions", "0001_initial"),
        ("releases", "0002_append_only"),
    ]

    operations = [
        migrations.AddField(
            model_name="release",
            name="discussion",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="releases",
                to="discussions.discussion",
            ),
        ),
    ]
