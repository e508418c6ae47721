"""Whether what somebody accepted still is what a repository asks for."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from registry.agreements.models import Acceptance, Ending
from registry.releases import in_force
from registry.releases.models import Release, Status, TermsChange

ENDED, CURRENT, COMING, OLDER = "ended", "current", "coming", "older"


@dataclass(frozen=True)
class Agreed:
    """An acceptance, and its state: `current` opens what is released, `coming` will when a campaign
    takes effect, `older` opens nothing that is released now, `ended` opens nothing at all."""

    acceptance: Acceptance
    state: str
    ending: Ending | None = None


def states(acceptances: Iterable[Acceptance], *, now: datetime) -> list[Agreed]:
    """Each acceptance with its state at this moment."""
    rows = list(acceptances)
    counting: dict[int, set[str]] = {}
    released = Release.objects.filter(
        status=Status.RELEASED, repository__in={one.repository_id for one in rows}
    ).annotate(counting=in_force.counting_then(now))
    for repository, hashes in released.values_list("repository_id", "counting"):
        counting.setdefault(repository, set()).update(hashes)
    announced = set(
        TermsChange.objects.filter(
            from_at__gt=now,
            campaign__cancelled_at=None,
            release__repository__in=counting,
            terms_hash__in={one.terms_hash for one in rows},
        ).values_list("release__repository_id", "terms_hash")
    )
    return [_state(one, counting.get(one.repository_id, set()), announced, now) for one in rows]


def _state(
    acceptance: Acceptance, counting: set[str], announced: set[tuple[int, str]], now: datetime
) -> Agreed:
    ending = getattr(acceptance, "ending", None)
    if ending is not None and ending.at <= now:
        return Agreed(acceptance, ENDED, ending)
    if acceptance.terms_hash in counting:
        return Agreed(acceptance, CURRENT)
    is_coming = (acceptance.repository_id, acceptance.terms_hash) in announced
    return Agreed(acceptance, COMING if is_coming else OLDER)
