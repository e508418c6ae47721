"""What people read, in their language, for the kinds and states that the rules name by a word."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from registry.agreements.models import DocumentKind, EndingEvent, FoundState
from registry.checks.models import JobKind, Queue

KINDS: dict[str, Any] = {
    DocumentKind.LICENSE: _("license"),
    DocumentKind.POLICY: _("acceptable-use policy"),
    DocumentKind.NOTICE: _("notice"),
}
EVENTS: dict[str, Any] = {
    EndingEvent.BREACH: _("a breach was confirmed"),
    EndingEvent.PUBLISHER: _("its publisher ended the license"),
    EndingEvent.SUIT: _("the licensee sued"),
    EndingEvent.LICENSEE: _("the licensee gave it back"),
}
STATES: dict[str, Any] = {
    FoundState.RECOGNISED: _("recognised"),
    FoundState.UNKNOWN: _("unknown"),
    FoundState.TAKEN: _("taken as a version"),
    FoundState.DISMISSED: _("dismissed"),
}
QUEUES: dict[str, Any] = {
    Queue.SCAN: _("scanners"),
    Queue.SMOKE_CPU: _("smoke tests on processors"),
    Queue.SMOKE_GPU: _("smoke tests on GPUs"),
}
JOBS: dict[str, Any] = {JobKind.SCAN: _("scanners"), JobKind.SMOKE: _("smoke test")}
ALL = KINDS | EVENTS | STATES | QUEUES | JOBS
