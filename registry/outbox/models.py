"""What is to be sent, and the addresses that people want to be told at."""

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.accounts.models import User
from registry.ids import new_public_id


class Webhook(models.Model):
    """An address of a person's that is told what happens to what they watch.

    `watched` is as it was sent; `watches` are the same as folded keys (`model:lab/tiny`), for the
    index. `secret` is encrypted. `failing_since` is when deliveries began to fail without a break.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    owner = models.ForeignKey(User, on_delete=models.CASCADE, related_name="webhooks")
    url = models.CharField(max_length=500)
    watched = models.JSONField(default=list)
    watches = ArrayField(models.CharField(max_length=220), default=list)
    domains = ArrayField(models.CharField(max_length=16), default=list)
    secret = models.TextField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    disabled_reason = models.CharField(max_length=300, blank=True)
    failing_since = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="webhook_is_told_over_http", condition=Q(url__regex=r"^https?://")
            ),
        ]
        indexes = [GinIndex(fields=["watches"], name="webhook_by_watched")]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_disabled(self) -> bool:
        return self.disabled_at is not None


class Kind(models.TextChoices):
    MAIL = "mail", "mail"
    WEBHOOK = "webhook", "webhook"


class State(models.TextChoices):
    WAITING = "waiting", "waiting"
    SENT = "sent", "sent"
    DEAD = "dead", "given up"


class Message(models.Model):
    """Something to send. While it waits, `due_at` is when the next attempt may begin; an attempt
    that began has it in the future, so that a lost worker's message comes back by itself.

    `since` is when it was first to be sent; `tried_at` is when the other side was last spoken to.
    """

    public_id = models.CharField(max_length=24, unique=True, default=new_public_id, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    webhook = models.ForeignKey(
        Webhook, on_delete=models.CASCADE, null=True, blank=True, related_name="messages"
    )
    body = models.JSONField()
    state = models.CharField(max_length=16, choices=State, default=State.WAITING)
    attempt = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    since = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)
    tried_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    status = models.PositiveIntegerField(null=True, blank=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="message_names_its_webhook",
                condition=Q(kind=Kind.WEBHOOK, webhook__isnull=False)
                | Q(kind=Kind.MAIL, webhook=None),
            ),
            models.CheckConstraint(
                name="message_ends_once_it_waits_no_more",
                condition=Q(state=State.WAITING, ended_at=None)
                | (~Q(state=State.WAITING) & Q(ended_at__isnull=False)),
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(state=State.WAITING), name="message_waiting"
            ),
            models.Index(fields=["webhook", "-id"], name="message_of_webhook"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"
