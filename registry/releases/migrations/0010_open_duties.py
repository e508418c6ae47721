"""How many duties of a release are open, as they were last counted."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("releases", "0009_told_of_what_they_build_on")]

    operations = [
        migrations.AddField(
            model_name="release",
            name="open_duties",
            field=models.PositiveIntegerField(null=True, blank=True),
        ),
        migrations.AddField(
            model_name="release",
            name="duties_counted_of",
            field=models.CharField(max_length=64, blank=True, default="", db_default=""),
        ),
        migrations.AddField(
            model_name="release",
            name="duties_counted_at",
            field=models.DateTimeField(null=True, blank=True),
        ),
    ]
