"""Where Xet uploads arrive: spaces, xorbs and files."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("storage", "0002_uploads"),
    ]

    operations = [
        migrations.CreateModel(
            name="XetSpace",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("repository", models.CharField(max_length=24)),
                ("person", models.CharField(blank=True, max_length=24)),
                ("namespace", models.CharField(db_index=True, max_length=24)),
                ("epoch", models.PositiveIntegerField()),
                ("opened_at", models.DateTimeField(auto_now_add=True)),
                ("used_at", models.DateTimeField(auto_now_add=True)),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
                ("emptied_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("repository", "person", "epoch"), name="xet_space_once_in_an_epoch"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("closed_at", None)),
                        fields=("repository", "person"),
                        name="xet_space_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("emptied_at", None), ("closed_at__isnull", False), _connector="OR"
                        ),
                        name="xet_space_closed_before_it_is_emptied",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="XetFile",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hash", models.CharField(max_length=64)),
                ("sha256", models.CharField(max_length=64)),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
                        to="storage.xetspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("space", "hash"), name="xet_file_once_in_a_space"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hash__regex", "^[0-9a-f]{64}$"), ("sha256__regex", "^[0-9a-f]{64}$")
                        ),
                        name="xet_file_is_named_by_its_hashes",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Xorb",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hash", models.CharField(max_length=64)),
                ("size", models.PositiveIntegerField()),
                ("chunks", models.BinaryField()),
                ("at", models.DateTimeField(auto_now_add=True)),
                (
                    "space",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="xorbs",
                        to="storage.xetspace",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("space", "hash"), name="xorb_once_in_a_space"),
                    models.CheckConstraint(
                        condition=models.Q(("hash__regex", "^[0-9a-f]{64}$")),
                        name="xorb_is_named_by_its_hash",
                    ),
                ],
            },
        ),
    ]
