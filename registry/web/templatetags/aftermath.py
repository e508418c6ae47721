"""What pages say of advisories and reports."""

import re
from typing import Any

from django import template

from registry.accounts.callers import NOBODY, Caller
from registry.catalog.models import Repository
from registry.releases import advisories
from registry.releases.models import Advisory, AdvisoryKind, Severity
from registry.web import labels

register = template.Library()

# XML has no way to write these
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LOOKS = {
    AdvisoryKind.SUSPENSION: ("is-warned", "‖"),
    AdvisoryKind.RECALL: ("is-blocked", "✗"),
    AdvisoryKind.RESTORATION: ("is-passed", "✓"),
    AdvisoryKind.NOTICE: ("is-running", "!"),
}
_SEVERE = {
    Severity.CRITICAL: ("is-blocked", "✗"),
    Severity.HIGH: ("is-warned", "!"),
    Severity.MODERATE: ("is-warned", "!"),
    Severity.LOW: ("is-unknown", "i"),
}


@register.inclusion_tag("components/verdict.html")
def advisory_kind(kind: str) -> dict[str, Any]:
    """What an advisory says, as sign and word."""
    look, sign = _LOOKS[AdvisoryKind(kind)]
    return {"look": look, "sign": sign, "word": labels.ADVISORY_KINDS[kind]}


@register.inclusion_tag("components/verdict.html")
def advisory_severity(severity: str) -> dict[str, Any]:
    look, sign = _SEVERE[Severity(severity)]
    return {"look": look, "sign": sign, "word": labels.SEVERITIES[severity]}


@register.filter
def advisory_about(category: str) -> str:
    return labels.about(category)


@register.filter
def report_about(category: str) -> str:
    return labels.category(category)


@register.filter
def report_state(state: str) -> str:
    return str(labels.REPORT_STATES.get(state, state))


@register.filter
def for_xml(text: str) -> str:
    return _NOT_XML.sub("", text)


@register.filter
def versions_in(advisory: Advisory) -> str:
    """The version labels that it is about. Fetch with `scope__release`."""
    return ", ".join(one.release.version for one in advisory.scope.all())


@register.inclusion_tag("advisories/affecting.html", takes_context=True)
def affected_by(context: template.Context, repository: Repository) -> dict[str, Any]:
    """The banner of what was withdrawn among the models that this one comes from."""
    caller: Caller = context.get("caller") or NOBODY
    return {"found": advisories.affecting(repository, caller=caller)[:3]}
