"""What a grant may be limited to: purpose, start and end, files, releases, full downloads."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from registry.errors import Invalid

MAX_PURPOSE = 500
MAX_PATTERNS = 50
MAX_PATTERN = 200
MAX_DOWNLOADS = 1_000_000
LONGEST = timedelta(days=3653)
LATE = timedelta(days=1)
_PUBLIC_ID = re.compile(r"[0-9a-f]{24}")


@dataclass(frozen=True)
class Scope:
    """What a reviewer wishes. None is the publisher's default: now, the days that the policy gives,
    the purpose that was asked for; `is_endless` says that it is to have no end. Releases are named
    by public id."""

    purpose: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_endless: bool = False
    patterns: Sequence[str] = ()
    first_release: str = ""
    last_release: str = ""
    full_downloads: int | None = None


EVERYTHING = Scope()


def fields(
    scope: Scope, *, purpose: str, default_end: datetime | None, for_group: bool, now: datetime
) -> dict[str, Any]:
    """The fields of the grant that a scope makes, or the refusal of what cannot be."""
    if scope.is_endless and scope.ends_at is not None:
        raise Invalid(_("A grant either has an end or has none."))
    starts_at = scope.starts_at or now
    _require_zone(starts_at)
    if starts_at < now - LATE:
        raise Invalid(_("A grant cannot start more than a day ago."))
    # What was closed yesterday stays so: the past is told from the same rows
    starts_at = max(starts_at, now)
    if starts_at > now + LONGEST:
        raise Invalid(_("A grant has to start within ten years."))
    if for_group and (scope.first_release or scope.last_release):
        raise Invalid(_("A grant for a group cannot be limited to the releases of one repository."))
    ends_at = None if scope.is_endless else scope.ends_at or default_end
    if ends_at is not None:
        require_end(ends_at, starts_at=starts_at, now=now)
    if scope.full_downloads is not None and not 1 <= scope.full_downloads <= MAX_DOWNLOADS:
        raise Invalid(
            _("Write a number of full downloads from 1 to %(most)s.") % {"most": MAX_DOWNLOADS}
        )
    return {
        "purpose": purpose if scope.purpose is None else checked_purpose(scope.purpose),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "patterns": checked_patterns(scope.patterns),
        "first_release": _checked_release(scope.first_release),
        "last_release": _checked_release(scope.last_release),
        "full_downloads": scope.full_downloads,
    }


def require_end(ends_at: datetime, *, starts_at: datetime, now: datetime) -> None:
    """Raise unless a grant that starts then may end at that time."""
    _require_zone(ends_at)
    if ends_at <= starts_at:
        raise Invalid(_("The end has to come after the start."))
    if ends_at <= now:
        raise Invalid(_("The end has passed already."))
    if ends_at - starts_at > LONGEST:
        raise Invalid(_("A grant lasts ten years at most."))


def checked_purpose(purpose: str) -> str:
    purpose = " ".join(purpose.replace("\0", " ").split())
    if len(purpose) > MAX_PURPOSE:
        raise Invalid(_("The purpose is longer than %(most)s characters.") % {"most": MAX_PURPOSE})
    return purpose


def checked_patterns(patterns: Sequence[str]) -> list[str]:
    """Patterns of paths as `allow_patterns` of the Hub client has them, each once."""
    found = list(dict.fromkeys(one.strip() for one in patterns if one.strip()))
    if len(found) > MAX_PATTERNS:
        raise Invalid(_("Write at most %(most)s patterns of files.") % {"most": MAX_PATTERNS})
    for one in found:
        if len(one) > MAX_PATTERN or not one.isprintable():
            raise Invalid(
                _("A pattern of files has at most %(most)s printable characters.")
                % {"most": MAX_PATTERN}
            )
        if one.startswith("/"):
            raise Invalid(_("Paths in a repository do not start with a slash, nor do patterns."))
    return found


def checked_wish(until: datetime | None, *, now: datetime) -> datetime | None:
    """The end that a person wishes, where it can be one."""
    if until is not None:
        require_end(until, starts_at=now, now=now)
    return until


def _checked_release(public_id: str) -> str:
    if public_id and not _PUBLIC_ID.fullmatch(public_id):
        raise Invalid(_("A release is named by its id of 24 hex digits."))
    return public_id


def _require_zone(moment: datetime) -> None:
    if timezone.is_naive(moment):
        raise Invalid(_("Write times with their zone, as 2026-03-14T00:00:00Z."))
