"""Who publishes a model that comes from another is told of its advisories too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("releases", "0008_answers_are_evidence")]

    operations = [
        migrations.AlterField(
            model_name="advisorynotice",
            name="because",
            field=models.CharField(
                choices=[
                    ("accepted", "accepted its terms"),
                    ("downloaded", "downloaded it"),
                    ("derived", "publishes a model that comes from it"),
                ],
                max_length=10,
            ),
        ),
    ]
