"""Advisories for programs, in the shape of the OSV schema: only of what everybody may know of, and
no hash of a file that terms stand before."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from registry.accounts.callers import NOBODY
from registry.errors import Invalid
from registry.releases import advisories
from registry.releases.models import Advisory, AdvisoryKind, AdvisoryScope, Release, Status

SCHEMA = "1.6.0"
PAGE = 200
ATOM = 50


def document(base: str, *, since: str = "", before: str = "") -> dict[str, Any]:
    """One page of the feed, the newest first. `since` is a moment, inclusive; `before` the id of
    the last advisory of the page before this one."""
    found = _public()
    if since:
        found = found.filter(at__gte=_moment(since))
    if before:
        last = found.filter(public_id=before).first()
        if last is None:
            raise Invalid(_("`before` is the id of an advisory that this feed holds."))
        found = found.filter(pk__lt=last.pk)
    rows = list(found[: PAGE + 1])
    following = ""
    if len(rows) > PAGE:
        rows = rows[:PAGE]
        kept = f"&since={since}" if since else ""
        following = f"{base}/feeds/advisories.json?before={rows[-1].public_id}{kept}"
    return {
        "schema_version": SCHEMA,
        "generated": _time(timezone.now()),
        "next": following,
        "advisories": [entry(one, base) for one in rows],
    }


def newest() -> dict[str, Any]:
    """The newest for a reader of feeds, and when it last changed."""
    rows = list(_public()[:ATOM])
    return {"advisories": rows, "updated": rows[0].at if rows else datetime(2020, 1, 1, tzinfo=UTC)}


def entry(advisory: Advisory, base: str) -> dict[str, Any]:
    """One advisory. `withdrawn` says since when it holds no more: a restoration followed it."""
    scope = list(advisory.scope.all())
    ended = _ended(advisory, [one.release for one in scope])
    name = advisory.repository.full_name
    said: dict[str, Any] = {
        "schema_version": SCHEMA,
        "id": f"REGISTRY-{advisory.public_id}",
        "published": _time(advisory.at),
        "modified": _time(ended or advisory.at),
        "summary": f"{name}: {advisory.get_kind_display()}",
        "details": advisory.reason,
        "related": [f"REGISTRY-{advisory.follows.public_id}"] if advisory.follows else [],
        "affected": [
            {
                "package": {"ecosystem": "registry", "name": name},
                "versions": [one.release.version],
                "ecosystem_specific": _specific(advisory, one.release),
            }
            for one in scope
        ],
        "references": [{"type": "ADVISORY", "url": f"{base}{advisory.get_absolute_url()}"}],
        "database_specific": {
            "kind": advisory.kind,
            "category": advisory.category,
            "severity": advisory.severity,
        },
    }
    return said | ({"withdrawn": _time(ended)} if ended else {})


def _specific(advisory: Advisory, release: Release) -> dict[str, str]:
    return {
        "repository_id": advisory.repository.public_id,
        "release_id": release.public_id,
        "revision": release.revision.oid,
        "manifest_digest": release.manifest_digest,
        "release_digest": release.digest,
        "state": release.status,
    }


def _ended(advisory: Advisory, releases: list[Release]) -> datetime | None:
    """When the last of what a suspension named was restored."""
    if advisory.kind not in advisories.WITHDRAWING:
        return None
    if any(one.status != Status.RELEASED for one in releases):
        return None
    after = [one for one in advisory.followed_by.all() if one.kind == AdvisoryKind.RESTORATION]
    return max((one.at for one in after), default=None)


def _public() -> QuerySet[Advisory]:
    scope = AdvisoryScope.objects.select_related("release__revision").order_by("pk")
    found = Advisory.objects.visible_to(NOBODY).select_related(*advisories.RELATED)
    return found.prefetch_related(Prefetch("scope", scope), "followed_by").order_by("-pk")


def _moment(text: str) -> datetime:
    try:
        at = parse_datetime(text.replace(" ", "+"))
        if at is not None:
            return at.astimezone(UTC) if timezone.is_aware(at) else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # one that there is not, or not in UTC
        pass
    raise Invalid(_("`since` is a moment, such as 2027-01-31T00:00:00Z."))


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
