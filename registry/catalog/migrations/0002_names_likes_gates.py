"""Former names, likes, the publisher's lock, and datasets."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_quota_and_plain_hub"),
        ("catalog", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="FormerName",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "type",
                    models.CharField(
                        choices=[("model", "model"), ("dataset", "dataset")], max_length=16
                    ),
                ),
                ("name", models.CharField(max_length=96)),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.CreateModel(
            name="Like",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="ref",
            name="ref_is_a_branch_or_a_tag",
        ),
        migrations.AddField(
            model_name="repository",
            name="gated",
            field=models.CharField(
                blank=True,
                choices=[
                    ("", "not gated"),
                    ("auto", "whoever asks"),
                    ("manual", "whom a person lets in"),
                ],
                db_default="",
                default="",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="repository",
            name="likes",
            field=models.BigIntegerField(db_default=0, default=0),
        ),
        migrations.AlterField(
            model_name="repository",
            name="type",
            field=models.CharField(
                choices=[("model", "model"), ("dataset", "dataset")], default="model", max_length=16
            ),
        ),
        migrations.AddConstraint(
            model_name="ref",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("name__startswith", "refs/heads/"),
                    ("name__startswith", "refs/tags/"),
                    ("name__regex", "^refs/pr/[1-9][0-9]*$"),
                    _connector="OR",
                ),
                name="ref_is_a_branch_a_tag_or_a_pull_request",
            ),
        ),
        migrations.AddField(
            model_name="formername",
            name="namespace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.namespace",
            ),
        ),
        migrations.AddField(
            model_name="formername",
            name="repository",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="former_names",
                to="catalog.repository",
            ),
        ),
        migrations.AddField(
            model_name="like",
            name="repository",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="liked_by",
                to="catalog.repository",
            ),
        ),
        migrations.AddField(
            model_name="like",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="likes",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddConstraint(
            model_name="formername",
            constraint=models.UniqueConstraint(
                models.F("type"),
                models.F("namespace"),
                django.db.models.functions.text.Lower("name"),
                name="former_name_leads_to_one_repository",
            ),
        ),
        migrations.AddConstraint(
            model_name="like",
            constraint=models.UniqueConstraint(
                fields=("user", "repository"), name="liked_once_by_a_person"
            ),
        ),
    ]
