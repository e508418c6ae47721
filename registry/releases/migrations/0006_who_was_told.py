"""Who was told of a campaign, why one was cancelled, and that a proposal can always be cancelled."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q


class Migration(migrations.Migration):
    dependencies = [
        ("releases", "0005_changed_terms_are_evidence"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="campaign",
            name="cancel_reason",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.RemoveConstraint(
            model_name="campaign", name="campaign_is_cancelled_before_it_takes_effect"
        ),
        migrations.AddConstraint(
            model_name="campaign",
            constraint=models.CheckConstraint(
                name="campaign_is_cancelled_before_it_takes_effect",
                condition=Q(cancelled_at=None, cancelled_by=None)
                | Q(cancelled_by__isnull=False, cancelled_at__isnull=False)
                & (Q(confirmed_at=None) | Q(cancelled_at__lt=F("effective_at"))),
            ),
        ),
        migrations.CreateModel(
            name="CampaignNotice",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("announced", "the terms will change"),
                            ("reminded", "the grace is about to end"),
                            ("cancelled", "nothing changes after all"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="releases.campaign",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("campaign", "kind", "user"), name="told_once_of_a_campaign"
                    )
                ]
            },
        ),
    ]
