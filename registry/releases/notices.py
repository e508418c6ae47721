"""What the contributor of a release is told of a decision: one mail, whose text can be read before."""

from dataclasses import dataclass

from django.conf import settings

from registry.accounts import callers
from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.outbox import mail
from registry.releases.models import Release

OUTCOMES = {
    "approve": ("released", "It is released: everybody who accepts its terms can download it."),
    "request_changes": (
        "changes are asked for",
        "A maintainer asks for changes. Push what is asked for to the same branch, then submit it "
        "again.",
    ),
    "reject": (
        "rejected",
        "A maintainer rejected this request. Nothing of the repository is lost; you can ask anew "
        "with another revision.",
    ),
    "suspend": (
        "suspended",
        "A maintainer suspended the release. Nobody can download it until it is restored.",
    ),
    "restore": ("restored", "The release is restored: it can be downloaded again."),
    "recall": (
        "recalled",
        "A maintainer recalled the release, for good. None of its files can be downloaded any more.",
    ),
}


OUT_OF_SIGHT = (
    "You asked for this release, and the repository is out of your sight by now: its name, the "
    "reason given and the page of the release are for those who may know of it."
)


@dataclass(frozen=True)
class Notice:
    subject: str
    text: str


def of(step: str, release: Release, *, reason: str) -> Notice | None:
    """What the contributor is told once a step has moved the release; None where it is nothing."""
    if step not in OUTCOMES:
        return None
    outcome, sentence = OUTCOMES[step]
    if not _knows(release):
        name = f"{release.repository.public_id} {release.version}"
        return Notice(subject=f"{name}: {outcome}", text=f"{name}: {outcome}.\n\n{OUT_OF_SIGHT}\n")
    name = f"{release.repository.full_name} {release.version}"
    parts = [f"{name}: {outcome}.", sentence]
    if reason.strip():
        parts.append(f"The reason given:\n\n{reason.strip()}")
    parts.append(f"{settings.SITE_URL}{release.get_absolute_url()}")
    return Notice(subject=f"{name}: {outcome}", text="\n\n".join(parts) + "\n")


def _knows(release: Release) -> bool:
    """Whether the contributor may still know of the repository, under the name that it has now."""
    seen = Repository.objects.visible_to(callers.of_session(release.opened_by))
    return seen.filter(pk=release.repository_id).exists()


def send(step: str, release: Release, *, reason: str, by: User) -> None:
    """Tell the contributor, unless it was they who took the step."""
    notice = of(step, release, reason=reason)
    contributor = release.opened_by
    if notice is None or contributor == by or not contributor.is_active or not contributor.email:
        return
    mail.queue(to=contributor.email, subject=notice.subject, text=notice.text)
