"""A request for a group stands beside one for a repository of it, and says until when."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0007_words_of_texts"),
        ("catalog", "0005_removed_content"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="accessrequest",
            name="one_living_request_of_a_person",
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="wanted_until",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("group", None), ("state__in", ["pending", "returned", "accepted"])
                ),
                fields=("repository", "user"),
                name="one_living_request_of_a_person",
            ),
        ),
    ]
