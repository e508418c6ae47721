"""What lists filter and sort by, and which revisions one stands for."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0002_names_likes_gates"),
    ]

    operations = [
        migrations.AddField(
            model_name="repository",
            name="trending",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AddField(
            model_name="revision",
            name="facts",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="revision",
            name="folds",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=40), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="parameters",
            field=models.BigIntegerField(blank=True, null=True),
        ),
    ]
