"""When the bytes of a blob came last."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0004_xorb_is_used"),
    ]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="came_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
