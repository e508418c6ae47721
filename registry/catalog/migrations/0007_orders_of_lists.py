"""Indexes in the orders of lists, so that a page of one is read without sorting all of it."""

import datetime

import django.db.models.expressions
import django.db.models.functions.comparison
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_device_logins"),
        ("catalog", "0006_what_lists_are_made_from"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="repository",
            index=models.Index(fields=["-downloads", "-id"], name="repository_order_downloads"),
        ),
        migrations.AddIndex(
            model_name="repository",
            index=models.Index(fields=["-likes", "-id"], name="repository_order_likes"),
        ),
        migrations.AddIndex(
            model_name="repository",
            index=models.Index(fields=["-trending", "-id"], name="repository_order_trending"),
        ),
        migrations.AddIndex(
            model_name="repository",
            index=models.Index(fields=["-updated_at", "-id"], name="repository_order_updated"),
        ),
        migrations.AddIndex(
            model_name="repository",
            index=models.Index(
                models.OrderBy(
                    django.db.models.expressions.CombinedExpression(
                        models.F("downloads"),
                        "+",
                        django.db.models.expressions.CombinedExpression(
                            models.F("likes"), "*", models.Value(5)
                        ),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("id"), descending=True),
                name="repository_order_used",
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce(
                        "released_at",
                        models.Value(datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.UTC)),
                    ),
                    descending=True,
                ),
                models.OrderBy(models.F("repository"), descending=True),
                name="entry_order_released",
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(
                models.OrderBy(
                    django.db.models.functions.comparison.Coalesce("parameters", models.Value(0)),
                    descending=True,
                ),
                models.OrderBy(models.F("repository"), descending=True),
                name="entry_order_parameters",
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(fields=["name", "repository"], name="entry_order_name"),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(
                models.Func(
                    models.F("name"),
                    models.Value("/"),
                    models.Value(2),
                    function="split_part",
                    output_field=models.TextField(),
                ),
                name="entry_own_name",
            ),
        ),
        migrations.AddIndex(
            model_name="searchentry",
            index=models.Index(
                condition=models.Q(("is_official", True)),
                fields=["repository"],
                name="entry_official",
            ),
        ),
    ]
