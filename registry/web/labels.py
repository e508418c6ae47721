"""What people read, in their language, for the kinds and states that the rules name by a word."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from registry.agreements.models import DocumentKind, EndingEvent, FoundState, RequestState
from registry.checks.models import JobKind, Queue
from registry.releases import cases
from registry.releases.models import (
    AdvisoryCategory,
    AdvisoryKind,
    DecisionKind,
    Outcome,
    ReportState,
    Severity,
    Status,
)

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
ADVISORY_KINDS: dict[str, Any] = {
    AdvisoryKind.SUSPENSION: _("suspension"),
    AdvisoryKind.RECALL: _("recall"),
    AdvisoryKind.RESTORATION: _("restoration"),
    AdvisoryKind.NOTICE: _("notice"),
}
ADVISORY_CATEGORIES: dict[str, Any] = {
    AdvisoryCategory.MALWARE: _("harmful code or files"),
    AdvisoryCategory.LICENSE: _("license or terms"),
    AdvisoryCategory.PRIVACY: _("personal data"),
    AdvisoryCategory.RIGHTS: _("rights of others"),
    AdvisoryCategory.SAFETY: _("unsafe behaviour"),
    AdvisoryCategory.QUALITY: _("broken or worse than said"),
    AdvisoryCategory.OTHER: _("something else"),
}
SEVERITIES: dict[str, Any] = {
    Severity.CRITICAL: _("critical: stop using it now"),
    Severity.HIGH: _("high: replace it soon"),
    Severity.MODERATE: _("moderate: look at it"),
    Severity.LOW: _("low: for your information"),
}
OUTCOMES: dict[str, Any] = {
    Outcome.UPHELD: _("upheld"),
    Outcome.PARTLY: _("upheld in part"),
    Outcome.DISMISSED: _("dismissed"),
}
REPORT_STATES: dict[str, Any] = {
    ReportState.OPEN: pgettext_lazy("report", "waits for an answer"),
    ReportState.ANSWERED: pgettext_lazy("report", "answered"),
    ReportState.APPEALED: pgettext_lazy("report", "appealed"),
    ReportState.CLOSED: pgettext_lazy("report", "closed"),
}
RELEASE_STATES: dict[str, Any] = {
    Status.RELEASED: pgettext_lazy("state", "released"),
    Status.SUSPENDED: pgettext_lazy("state", "suspended"),
    Status.RECALLED: pgettext_lazy("state", "recalled"),
}
DECISIONS: dict[str, Any] = {
    DecisionKind.APPROVE: pgettext_lazy("somebody", "approved"),
    DecisionKind.REQUEST_CHANGES: pgettext_lazy("somebody", "asked for changes"),
    DecisionKind.REJECT: pgettext_lazy("somebody", "rejected"),
    DecisionKind.SUSPEND: pgettext_lazy("somebody", "suspended"),
    DecisionKind.RESTORE: pgettext_lazy("somebody", "restored"),
    DecisionKind.RECALL: pgettext_lazy("somebody", "recalled"),
}
REQUEST_STATES: dict[str, Any] = {
    RequestState.PENDING: pgettext_lazy("request", "waits for an answer"),
    RequestState.RETURNED: pgettext_lazy("request", "waits for your answer"),
    RequestState.ACCEPTED: pgettext_lazy("request", "accepted"),
    RequestState.REJECTED: pgettext_lazy("request", "rejected"),
    RequestState.WITHDRAWN: pgettext_lazy("request", "withdrawn"),
    RequestState.LAPSED: pgettext_lazy("request", "lapsed"),
    RequestState.ENDED: pgettext_lazy("request", "over"),
}
# What something can be reported for: what acceptable-use policies forbid, and what stands beside
REPORTED: dict[str, Any] = {
    "violence_terrorism": _("Violent crime or terrorism"),
    "child_harm": _("Harm to minors"),
    "trafficking_sexual_violence": _("Human trafficking or sexual violence"),
    "unlawful_content_to_minors": _("Unlawful content for minors"),
    "sexual_solicitation": _("Sexual solicitation"),
    "other_crime": _("Another crime"),
    "harassment_bullying": _("Harassment or bullying"),
    "unlawful_discrimination": _("Unlawful discrimination"),
    "unlicensed_profession": _("A profession practised without its license"),
    "sensitive_personal_data": _("Private or sensitive data on people"),
    "third_party_rights": _("Use that infringes the rights of others"),
    "malware_disruption": _("Malicious code or disruption of systems"),
    "safeguard_circumvention": _("Bypassed or stripped safety measures"),
    "military_nuclear_espionage_itar": _("Military, nuclear or espionage uses"),
    "bio_chem_weapons_statutes": _("Biological or chemical weapons"),
    "weapons": _("Illegal weapons"),
    "drugs": _("Illegal drugs"),
    "critical_infrastructure": _("Danger to critical infrastructure"),
    "self_harm": _("Self-harm, suicide or eating disorders"),
    "violence_incitement": _("Incitement to violence"),
    "fraud_disinformation": _("Fraud or disinformation"),
    "defamation": _("Defamation"),
    "spam": _("Spam"),
    "impersonation": _("Impersonation"),
    "output_passed_off_as_human": _("Output passed off as a human's"),
    "fake_engagement": _("Faked reviews or engagement"),
    "undisclosed_known_dangers": _("Known dangers that are not told"),
    "harmful_third_party_tools": _("Harmful third-party tools"),
    "rights": _("A right of mine or of others: copyright, trade mark, likeness"),
    "license": _("License or terms that are not kept"),
    "privacy": _("Personal data in the files"),
    "security": _("Harmful code, or something that endangers systems"),
    "other": _("Something else"),
}
ALL = (
    KINDS
    | EVENTS
    | STATES
    | QUEUES
    | JOBS
    | ADVISORY_KINDS
    | SEVERITIES
    | OUTCOMES
    | RELEASE_STATES
)


def category(key: str) -> str:
    """What a report is about, in words; the facts' own where a page has none."""
    return str(REPORTED.get(key) or cases.categories().get(key, key))


def about(key: str) -> str:
    """What an advisory is about, in words."""
    return str(ADVISORY_CATEGORIES.get(key, key))
