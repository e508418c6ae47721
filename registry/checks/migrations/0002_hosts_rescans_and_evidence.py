"""Machines, queues and priorities of jobs; rescans, fingerprints, overrides, results used again."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0005_removed_content"),
        ("checks", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CachedResult",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("key", models.CharField(max_length=64, unique=True)),
                ("check_id", models.CharField(max_length=32)),
                ("findings", models.JSONField(default=list)),
                ("created_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name="Host",
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
                ("name", models.CharField(max_length=200, unique=True)),
                ("queues", models.JSONField(default=list)),
                ("devices", models.JSONField(default=list)),
                ("isolation", models.JSONField(default=dict)),
                ("versions", models.JSONField(default=dict)),
                ("started_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField()),
                ("is_draining", models.BooleanField(default=False)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="Override",
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
                ("manifest_digest", models.CharField(max_length=64)),
                ("check_id", models.CharField(max_length=32)),
                ("reason", models.TextField()),
                ("created_at", models.DateTimeField()),
                ("withdrawn_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Rescan",
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
                ("catalogue", models.CharField(max_length=16)),
                ("reason", models.TextField()),
                ("started_at", models.DateTimeField()),
                ("adopted_at", models.DateTimeField(blank=True, null=True)),
                ("given_up_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.AddField(
            model_name="checkrun",
            name="attestation",
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="job",
            name="device",
            field=models.CharField(blank=True, db_default="", max_length=32),
        ),
        migrations.AddField(
            model_name="job",
            name="priority",
            field=models.SmallIntegerField(
                choices=[(0, "asked for in review"), (1, "of an upload"), (2, "of a rescan")],
                db_default=1,
                default=1,
            ),
        ),
        migrations.AddField(
            model_name="job",
            name="queue",
            field=models.CharField(
                choices=[
                    ("scan", "scanners"),
                    ("smoke.cpu", "smoke tests on processors"),
                    ("smoke.gpu", "smoke tests on GPUs"),
                ],
                db_default="scan",
                default="scan",
                max_length=16,
            ),
        ),
        migrations.CreateModel(
            name="Fingerprint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("target", models.CharField(blank=True, max_length=1024)),
                ("weights_digest", models.CharField(db_index=True, max_length=64)),
                ("shape_key", models.CharField(db_index=True, max_length=64)),
                ("parameters", models.BigIntegerField()),
                ("tensors", models.BinaryField()),
                ("facts", models.JSONField(default=dict)),
                ("created_at", models.DateTimeField()),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="fingerprints",
                        to="checks.checkrun",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.AddField(
            model_name="job",
            name="host",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="jobs",
                to="checks.host",
            ),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(
                condition=models.Q(("state", "queued")),
                fields=["queue", "priority", "due_at"],
                name="job_to_claim",
            ),
        ),
        migrations.AddConstraint(
            model_name="job",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "running"), models.Q(("device", ""), _negated=True)),
                fields=("host", "device"),
                name="one_job_at_a_time_on_a_device",
            ),
        ),
        migrations.AddField(
            model_name="override",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="override",
            name="revision",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="overrides",
                to="catalog.revision",
            ),
        ),
        migrations.AddField(
            model_name="rescan",
            name="adopted_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="rescan",
            name="started_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="checkrun",
            name="rescan",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="runs",
                to="checks.rescan",
            ),
        ),
        migrations.AddConstraint(
            model_name="fingerprint",
            constraint=models.UniqueConstraint(
                fields=("run", "target"), name="one_fingerprint_of_a_model_in_a_run"
            ),
        ),
        migrations.AddConstraint(
            model_name="override",
            constraint=models.UniqueConstraint(
                condition=models.Q(("withdrawn_at", None)),
                fields=("revision", "check_id", "by"),
                name="one_override_of_a_maintainer_for_a_check",
            ),
        ),
        migrations.AddConstraint(
            model_name="rescan",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("adopted_at", None), ("adopted_by", None)),
                    models.Q(("adopted_at__isnull", False), ("adopted_by__isnull", False)),
                    _connector="OR",
                ),
                name="rescan_is_adopted_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="rescan",
            constraint=models.CheckConstraint(
                condition=models.Q(("adopted_at", None), ("given_up_at", None), _connector="OR"),
                name="rescan_is_adopted_or_given_up",
            ),
        ),
    ]
