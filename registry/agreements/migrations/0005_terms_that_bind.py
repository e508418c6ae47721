"""Receipts, organisations, found texts, groups, and grants with scope and end.

The unique indexes on tables that exist already are narrower than those they follow, or of new columns:
no row can stand against them, and the tables are small.
"""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_device_logins"),
        ("agreements", "0004_access_decisions_are_evidence"),
        ("catalog", "0005_removed_content"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AccessGroup",
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
                ("name", models.CharField(max_length=100)),
                ("created_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="AccessGroupEntry",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.CreateModel(
            name="AccessMessage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("text", models.CharField(blank=True, max_length=2000)),
                ("at", models.DateTimeField()),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Adherence",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("membership", models.BigIntegerField()),
                ("token", models.CharField(blank=True, max_length=24)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Deletion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Domain",
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
                ("domain", models.CharField(max_length=253)),
                ("asked_at", models.DateTimeField()),
                ("confirmed_at", models.DateTimeField(blank=True, null=True)),
                ("ended_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["pk"],
            },
        ),
        migrations.CreateModel(
            name="Ending",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "event",
                    models.CharField(
                        choices=[
                            ("breach_confirmed", "a breach was confirmed"),
                            ("publisher_termination", "the publisher ended the license"),
                            ("infringement_suit_by_licensee", "the licensee sued"),
                            ("licensee_withdraws", "the licensee withdrew"),
                        ],
                        max_length=32,
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="FoundText",
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
                ("path", models.CharField(max_length=255)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("license", "license"),
                            ("policy", "acceptable-use policy"),
                            ("notice", "notice"),
                        ],
                        max_length=8,
                    ),
                ),
                ("sha256", models.CharField(max_length=64)),
                ("normalised", models.CharField(max_length=64)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("recognised", "recognised"),
                            ("unknown", "unknown"),
                            ("taken", "taken as a version"),
                            ("dismissed", "dismissed"),
                        ],
                        max_length=10,
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, max_length=500)),
            ],
            options={
                "ordering": ["-pk"],
            },
        ),
        migrations.CreateModel(
            name="Receipt",
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
                ("body", models.JSONField()),
                ("key_id", models.CharField(max_length=24)),
                ("signature", models.BinaryField(max_length=64)),
                ("at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="acceptance",
            name="terms_accepted_once_by_a_person",
        ),
        migrations.RemoveConstraint(
            model_name="accessrequest",
            name="one_living_request_of_a_person",
        ),
        migrations.RemoveConstraint(
            model_name="accessrequest",
            name="request_is_dated_once_decided",
        ),
        migrations.RemoveConstraint(
            model_name="grant",
            name="one_open_grant_of_a_request",
        ),
        migrations.AddField(
            model_name="acceptance",
            name="attested",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="acceptance",
            name="organisation",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="acceptances",
                to="accounts.namespace",
            ),
        ),
        migrations.AddField(
            model_name="acceptance",
            name="release_digest",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="acceptancewords",
            name="address",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="acceptancewords",
            name="country",
            field=models.CharField(blank=True, db_default="", default="", max_length=2),
        ),
        migrations.AddField(
            model_name="acceptancewords",
            name="name",
            field=models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
        migrations.AddField(
            model_name="accesspolicy",
            name="grant_days",
            field=models.PositiveSmallIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="accesspolicy",
            name="lapse_days",
            field=models.PositiveSmallIntegerField(db_default=60, default=60),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="lapses_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="purpose",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="reminded_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="document",
            name="stands_for",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agreements.document",
            ),
        ),
        migrations.AddField(
            model_name="documentversion",
            name="normalised",
            field=models.CharField(blank=True, db_default="", default="", max_length=64),
        ),
        migrations.AddField(
            model_name="documentversion",
            name="source",
            field=models.JSONField(db_default={}, default=dict),
        ),
        migrations.AddField(
            model_name="grant",
            name="first_release",
            field=models.CharField(blank=True, db_default="", default="", max_length=24),
        ),
        migrations.AddField(
            model_name="grant",
            name="full_downloads",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="last_release",
            field=models.CharField(blank=True, db_default="", default="", max_length=24),
        ),
        migrations.AddField(
            model_name="grant",
            name="patterns",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=200), db_default=[], default=list, size=None
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="purpose",
            field=models.CharField(blank=True, db_default="", default="", max_length=500),
        ),
        migrations.AddField(
            model_name="grant",
            name="reminded_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="renewal_asked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="renews",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="renewals",
                to="agreements.grant",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="revoked_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="grant",
            name="revoked_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AlterField(
            model_name="accessdecision",
            name="after",
            field=models.CharField(
                choices=[
                    ("pending", "pending"),
                    ("returned", "waiting for an answer of the person"),
                    ("accepted", "accepted"),
                    ("rejected", "rejected"),
                    ("withdrawn", "withdrawn"),
                    ("lapsed", "lapsed"),
                    ("ended", "over"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="accessdecision",
            name="before",
            field=models.CharField(
                blank=True,
                choices=[
                    ("pending", "pending"),
                    ("returned", "waiting for an answer of the person"),
                    ("accepted", "accepted"),
                    ("rejected", "rejected"),
                    ("withdrawn", "withdrawn"),
                    ("lapsed", "lapsed"),
                    ("ended", "over"),
                ],
                max_length=9,
            ),
        ),
        migrations.AlterField(
            model_name="accessrequest",
            name="state",
            field=models.CharField(
                choices=[
                    ("pending", "pending"),
                    ("returned", "waiting for an answer of the person"),
                    ("accepted", "accepted"),
                    ("rejected", "rejected"),
                    ("withdrawn", "withdrawn"),
                    ("lapsed", "lapsed"),
                    ("ended", "over"),
                ],
                default="pending",
                max_length=9,
            ),
        ),
        migrations.AddConstraint(
            model_name="acceptance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("organisation", None)),
                fields=("user", "repository", "terms_hash"),
                name="terms_accepted_once_by_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="acceptance",
            constraint=models.UniqueConstraint(
                condition=models.Q(("organisation__isnull", False)),
                fields=("organisation", "repository", "terms_hash"),
                name="terms_accepted_once_by_an_organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="acceptance",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("organisation", None),
                    models.Q(("capacity", "organisation"), ("organisation__isnull", False)),
                    _connector="OR",
                ),
                name="signatory_accepts_for_an_organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesspolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(("lapse_days__gte", 1), ("lapse_days__lte", 3650)),
                name="a_request_waits_some_days",
            ),
        ),
        migrations.AddConstraint(
            model_name="accesspolicy",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("grant_days", None),
                    models.Q(("grant_days__gte", 1), ("grant_days__lte", 3650)),
                    _connector="OR",
                ),
                name="a_grant_lasts_some_days",
            ),
        ),
        migrations.AddField(
            model_name="accessgroup",
            name="namespace",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="access_groups",
                to="accounts.namespace",
            ),
        ),
        migrations.AddField(
            model_name="accessrequest",
            name="group",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="agreements.accessgroup",
            ),
        ),
        migrations.AddField(
            model_name="grant",
            name="group",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="grants",
                to="agreements.accessgroup",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["pending", "returned", "accepted"])),
                fields=("repository", "user"),
                name="one_living_request_of_a_person",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("group__isnull", False), ("state__in", ["pending", "returned", "accepted"])
                ),
                fields=("group", "user"),
                name="one_living_request_for_a_group",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_by", None),
                        ("reviewed_at", None),
                        ("state__in", ["pending", "returned"]),
                    ),
                    models.Q(
                        ("reviewed_at__isnull", False), ("state__in", ["accepted", "rejected"])
                    ),
                    ("state__in", ["withdrawn", "lapsed", "ended"]),
                    _connector="OR",
                ),
                name="request_is_dated_once_decided",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("ends_at", None), ("renews", None)),
                fields=("request",),
                name="one_open_grant_of_a_request",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.UniqueConstraint(
                condition=models.Q(("revoked_at", None)),
                fields=("renews",),
                name="grant_is_renewed_once",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("full_downloads", None), ("full_downloads__gte", 1), _connector="OR"
                ),
                name="grant_of_downloads_allows_one",
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("revoked_at", None), ("ends_at__isnull", False), _connector="OR"
                ),
                name="revoked_grant_has_ended",
            ),
        ),
        migrations.AddField(
            model_name="accessgroupentry",
            name="group",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="entries",
                to="agreements.accessgroup",
            ),
        ),
        migrations.AddField(
            model_name="accessgroupentry",
            name="repository",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="group_entries",
                to="catalog.repository",
            ),
        ),
        migrations.AddField(
            model_name="accessmessage",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="accessmessage",
            name="request",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="messages",
                to="agreements.accessrequest",
            ),
        ),
        migrations.AddField(
            model_name="adherence",
            name="acceptance",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="adherences",
                to="agreements.acceptance",
            ),
        ),
        migrations.AddField(
            model_name="adherence",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="adherences",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="deletion",
            name="by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="asked_by",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="confirmed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="domain",
            name="organisation",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="domains",
                to="accounts.namespace",
            ),
        ),
        migrations.AddField(
            model_name="ending",
            name="acceptance",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="ending",
                to="agreements.acceptance",
            ),
        ),
        migrations.AddField(
            model_name="ending",
            name="by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="deletion",
            name="ending",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deletion",
                to="agreements.ending",
            ),
        ),
        migrations.AddField(
            model_name="foundtext",
            name="decided_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="foundtext",
            name="repository",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="found_texts",
                to="catalog.repository",
            ),
        ),
        migrations.AddField(
            model_name="foundtext",
            name="revision",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="catalog.revision"
            ),
        ),
        migrations.AddField(
            model_name="foundtext",
            name="version",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agreements.documentversion",
            ),
        ),
        migrations.AddField(
            model_name="receipt",
            name="acceptance",
            field=models.OneToOneField(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="receipt",
                to="agreements.acceptance",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessgroup",
            constraint=models.UniqueConstraint(
                models.F("namespace"),
                django.db.models.functions.text.Lower("name"),
                condition=models.Q(("closed_at", None)),
                name="access_group_once_in_a_namespace",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessgroupentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("until", None)),
                fields=("repository",),
                name="repository_in_one_group",
            ),
        ),
        migrations.AddConstraint(
            model_name="accessgroupentry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("until", None), ("until__gte", models.F("since")), _connector="OR"
                ),
                name="group_entry_ends_after_its_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="adherence",
            constraint=models.UniqueConstraint(
                fields=("acceptance", "user", "membership"), name="member_adheres_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.UniqueConstraint(
                models.F("organisation"),
                django.db.models.functions.text.Lower("domain"),
                condition=models.Q(("ended_at", None)),
                name="domain_once_of_an_organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.UniqueConstraint(
                django.db.models.functions.text.Lower("domain"),
                condition=models.Q(("confirmed_at__isnull", False), ("ended_at", None)),
                name="confirmed_domain_is_of_one_organisation",
            ),
        ),
        migrations.AddConstraint(
            model_name="domain",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("confirmed_at", None), ("confirmed_by", None)),
                    models.Q(("confirmed_at__isnull", False), ("confirmed_by__isnull", False)),
                    _connector="OR",
                ),
                name="domain_is_confirmed_by_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="foundtext",
            index=models.Index(
                condition=models.Q(("state", "unknown")), fields=["-id"], name="found_text_unknown"
            ),
        ),
        migrations.AddConstraint(
            model_name="foundtext",
            constraint=models.UniqueConstraint(
                fields=("repository", "path", "sha256"), name="text_found_once_in_a_repository"
            ),
        ),
        migrations.AddConstraint(
            model_name="foundtext",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state__in", ["recognised", "taken"]), ("version__isnull", False)),
                    models.Q(("state__in", ["unknown", "dismissed"]), ("version", None)),
                    _connector="OR",
                ),
                name="found_text_is_a_version_once_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="foundtext",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("decided_at__isnull", False),
                        ("decided_by__isnull", False),
                        ("state__in", ["taken", "dismissed"]),
                    ),
                    models.Q(
                        ("decided_at", None),
                        ("decided_by", None),
                        ("state__in", ["recognised", "unknown"]),
                    ),
                    _connector="OR",
                ),
                name="found_text_is_decided_by_somebody",
            ),
        ),
    ]
