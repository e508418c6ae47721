"""Access requests, what was decided about them, and the grants that result."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0002_append_only"),
        ("catalog", "0003_facts_and_folds"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessRequest",
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
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        default="pending",
                        max_length=9,
                    ),
                ),
                (
                    "mode",
                    models.CharField(
                        choices=[("auto", "whoever asks"), ("manual", "whom a person lets in")],
                        max_length=8,
                    ),
                ),
                ("granted_without_asking", models.BooleanField(default=False)),
                ("terms_hash", models.CharField(blank=True, max_length=64)),
                ("prompt_hash", models.CharField(blank=True, max_length=64)),
                ("answers_digest", models.CharField(blank=True, max_length=64)),
                ("asked_at", models.DateTimeField()),
                ("reviewed_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=200)),
                (
                    "decided_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="access_requests",
                        to="catalog.repository",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="access_requests",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="AccessDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "before",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("pending", "pending"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        max_length=9,
                    ),
                ),
                (
                    "after",
                    models.CharField(
                        choices=[
                            ("pending", "pending"),
                            ("accepted", "accepted"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                        ],
                        max_length=9,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=200)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="decisions",
                        to="agreements.accessrequest",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="AccessRequestWords",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("answers", models.JSONField(default=dict)),
                ("salt", models.CharField(blank=True, max_length=64)),
                (
                    "request",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="words",
                        to="agreements.accessrequest",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Grant",
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
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField(blank=True, null=True)),
                (
                    "granted_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "repository",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="access_grants",
                        to="catalog.repository",
                    ),
                ),
                (
                    "request",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="grants",
                        to="agreements.accessrequest",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="access_grants",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="AccessPolicy",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("ask_again_days", models.PositiveSmallIntegerField(default=30)),
                (
                    "repository",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="access_policy",
                        to="catalog.repository",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "access policies",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ask_again_days__lte", 3650)),
                        name="a_rejected_person_may_ask_again_some_day",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="accessrequest",
            index=models.Index(
                fields=["repository", "user", "-id"], name="newest_request_of_a_person"
            ),
        ),
        migrations.AddIndex(
            model_name="accessrequest",
            index=models.Index(fields=["repository", "state", "-id"], name="requests_by_state"),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["pending", "accepted"])),
                fields=("repository", "user"),
                name="one_living_request_of_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_by", None), ("reviewed_at", None), ("state", "pending")),
                    models.Q(
                        ("reviewed_at__isnull", False), ("state__in", ["accepted", "rejected"])
                    ),
                    ("state", "withdrawn"),
                    _connector="OR",
                ),
                name="request_is_dated_once_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), ("state", "rejected"), _connector="OR"),
                name="reason_belongs_to_a_rejection",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessdecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("before", models.F("after")), _negated=True),
                name="access_decision_changes_something",
            ),
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(fields=["repository", "user", "-id"], name="grants_of_a_person"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ends_at", None)),
                fields=("request",),
                name="one_open_grant_of_a_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("ends_at", None), ("ends_at__gte", models.F("starts_at")), _connector="OR"
                ),
                name="grant_ends_after_its_start",
            ),
        ),
    ]
