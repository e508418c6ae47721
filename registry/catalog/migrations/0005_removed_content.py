"""Since when content is not needed, and when it was removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0004_proposals"),
    ]

    operations = [
        migrations.AddField(
            model_name="gitblob",
            name="removed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="holding",
            name="unneeded_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
