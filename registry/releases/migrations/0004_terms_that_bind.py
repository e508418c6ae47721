"""Campaigns that change the terms in force, and decisions about duties."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0005_terms_that_bind"),
        ("catalog", "0005_removed_content"),
        ("releases", "0003_discussion"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Campaign",
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
                    "kind",
                    models.CharField(
                        choices=[
                            ("editorial", "editorial: acceptances carry over"),
                            ("material", "material: everybody is asked again"),
                        ],
                        max_length=9,
                    ),
                ),
                ("note", models.CharField(max_length=2000)),
                ("effective_at", models.DateTimeField()),
                ("opened_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("cancelled_at", models.DateTimeField(blank=True, null=True)),
                ("reminded_at", models.DateTimeField(blank=True, null=True)),
                (
                    "cancelled_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "document",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="campaigns",
                        to="agreements.document",
                    ),
                ),
                (
                    "opened_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agreements.documentversion",
                    ),
                ),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="DutyDecision",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("rule", models.CharField(max_length=64)),
                ("facts_digest", models.CharField(max_length=64)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("allow", "allowed"), ("refuse", "refused")], max_length=8
                    ),
                ),
                ("reason", models.CharField(max_length=1000)),
                ("at", models.DateTimeField()),
                (
                    "by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "revision",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="duty_decisions",
                        to="catalog.revision",
                    ),
                ),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="TermsChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("terms", models.JSONField()),
                ("terms_hash", models.CharField(max_length=64)),
                (
                    "counts",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), size=None
                    ),
                ),
                ("from_at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="changes",
                        to="releases.campaign",
                    ),
                ),
                (
                    "release",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terms_changes",
                        to="releases.release",
                    ),
                ),
            ],
            options={
                "ordering": ["from_at", "pk"],
            },
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.UniqueConstraint(
                condition=models.Q(("cancelled_at", None), ("confirmed_at", None)),
                fields=("document",),
                name="one_proposed_campaign_of_a_document",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confirmed_by", None),
                    models.Q(("confirmed_by", models.F("opened_by")), _negated=True),
                    _connector="OR",
                ),
                name="campaign_needs_a_second_steward",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confirmed_at", None), ("confirmed_by", None)),
                    models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                    _connector="OR",
                ),
                name="campaign_is_confirmed_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("cancelled_at", None), ("cancelled_by", None)),
                    models.Q(
                        ("cancelled_at__lt", models.F("effective_at")),
                        ("cancelled_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="campaign_is_cancelled_before_it_takes_effect",
            ),
        ),
        migrations.AddConstraint(
            model_name="dutydecision",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="duty_decision_has_a_reason"
            ),
        ),
        migrations.AddIndex(
            model_name="termschange",
            index=models.Index(fields=["release", "-from_at"], name="terms_of_a_release"),
        ),
        migrations.AddConstraint(
            model_name="termschange",
            constraint=models.UniqueConstraint(
                fields=("campaign", "release"), name="terms_changed_once_by_a_campaign"
            ),
        ),
    ]
