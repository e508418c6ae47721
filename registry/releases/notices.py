"""What the contributor of a release is told of a decision: one mail, whose text can be read before."""

from dataclasses import dataclass

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import callers, languages
from registry.accounts.models import User
from registry.catalog.models import Repository
from registry.outbox import mail
from registry.releases.models import Release

# What the mail is called, and what the step means for who asked for the release
OUTCOMES = {
    "approve": (
        gettext_noop("%(name)s: released"),
        gettext_noop("It is released: everybody who accepts its terms can download it."),
    ),
    "request_changes": (
        gettext_noop("%(name)s: changes are asked for"),
        gettext_noop(
            "A maintainer asks for changes. Push what is asked for to the same branch, then submit "
            "it again."
        ),
    ),
    "reject": (
        gettext_noop("%(name)s: rejected"),
        gettext_noop(
            "A maintainer rejected this request. Nothing of the repository is lost; you can ask "
            "anew with another revision."
        ),
    ),
    "suspend": (
        gettext_noop("%(name)s: suspended"),
        gettext_noop(
            "A maintainer suspended the release. Nobody can download it until it is restored."
        ),
    ),
    "restore": (
        gettext_noop("%(name)s: restored"),
        gettext_noop("The release is restored: it can be downloaded again."),
    ),
    "recall": (
        gettext_noop("%(name)s: recalled"),
        gettext_noop(
            "A maintainer recalled the release, for good. Its files can never be downloaded again; "
            "only its card and the texts of its license stay readable."
        ),
    ),
}


OUT_OF_SIGHT = gettext_noop(
    "You asked for this release, and the repository is out of your sight by now: its name, the "
    "reason given and the page of the release are for those who may know of it."
)


@dataclass(frozen=True)
class Notice:
    """A mail, and the language that it is written in: that of who gets it."""

    subject: str
    text: str
    language: str


def of(step: str, release: Release, *, reason: str) -> Notice | None:
    """What the contributor is told once a step has moved the release; None where it is nothing."""
    if step not in OUTCOMES:
        return None
    with languages.speaking_to(release.opened_by):
        subject, text = _words(step, release, reason)
    return Notice(subject, text, languages.of(release.opened_by))


def _words(step: str, release: Release, reason: str) -> tuple[str, str]:
    outcome, sentence = OUTCOMES[step]
    knows = _knows(release)
    named = release.repository.full_name if knows else release.repository.public_id
    subject = _(outcome) % {"name": f"{named} {release.version}"}
    if not knows:
        return subject, f"{subject}.\n\n{_(OUT_OF_SIGHT)}\n"
    parts = [f"{subject}.", _(sentence)]
    if reason.strip():
        parts += [_("The reason given:"), reason.strip()]
    parts.append(f"{settings.SITE_URL}{release.get_absolute_url()}")
    return subject, "\n\n".join(parts) + "\n"


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
