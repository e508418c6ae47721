"""Sign-ins by device code, and the tokens that renew them."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import registry.ids


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_quota_and_plain_hub"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeviceLogin",
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
                ("device_digest", models.CharField(max_length=64, unique=True)),
                ("user_digest", models.CharField(max_length=64, unique=True)),
                ("client", models.CharField(max_length=100)),
                ("address", models.CharField(blank=True, max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("polled_at", models.DateTimeField(blank=True, null=True)),
                (
                    "scope",
                    models.CharField(
                        blank=True,
                        choices=[("read", "read"), ("write", "write"), ("admin", "admin")],
                        max_length=8,
                    ),
                ),
                ("denied_at", models.DateTimeField(blank=True, null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "allowed_by",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="device_logins",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="RefreshToken",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField()),
                ("used_at", models.DateTimeField(blank=True, null=True)),
                (
                    "login",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresh_tokens",
                        to="accounts.devicelogin",
                    ),
                ),
                (
                    "token",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="refresh",
                        to="accounts.accesstoken",
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            model_name="devicelogin",
            constraint=models.CheckConstraint(
                condition=models.Q(("allowed_by", None), ("denied_at", None), _connector="OR"),
                name="device_login_is_not_allowed_and_denied",
            ),
        ),
        migrations.AddConstraint(
            model_name="devicelogin",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("used_at", None),
                    models.Q(("allowed_by__isnull", False), models.Q(("scope", ""), _negated=True)),
                    _connector="OR",
                ),
                name="device_login_is_used_once_allowed",
            ),
        ),
    ]
