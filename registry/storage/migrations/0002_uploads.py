"""Uploads in parts, and since when a blob is not needed."""

from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0001_initial"),
    ]

    operations = [
        migrations.AddField(
            model_name="blob",
            name="removed_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="blob",
            name="unneeded_since",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.CreateModel(
            name="Upload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=registry.ids.new_public_id,
                        editable=False,
                        max_length=24,
                        unique=True,
                    ),
                ),
                ("space", models.CharField(db_index=True, max_length=24)),
                ("repository", models.CharField(max_length=24)),
                ("by", models.CharField(max_length=24)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.BigIntegerField()),
                ("part_size", models.BigIntegerField()),
                ("writes", models.PositiveIntegerField(default=0)),
                ("remote", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("touched_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "by", "sha256"),
                        name="one_upload_of_an_object_by_a_person",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("part_size__gt", 0), ("size__gt", 0)),
                        name="upload_has_parts",
                    ),
                ],
            },
        ),
    ]
