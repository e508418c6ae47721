"""Whether a file was made of a xorb."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0003_xet"),
    ]

    operations = [
        migrations.AddField(
            model_name="xorb",
            name="is_used",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
