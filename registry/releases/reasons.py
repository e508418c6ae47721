"""Reasons that maintainers give often, to start from. Retired, never changed."""

from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from registry.accounts.callers import Caller
from registry.audit import log
from registry.errors import Conflict, Invalid, NotAllowed, SignInRequired
from registry.releases import steps
from registry.releases.models import ReasonTemplate

STEPS = ("request_changes", "reject", "suspend", "restore", "recall", "approve")
LONGEST_TITLE = 100
LONGEST = 5_000
MOST = 100


def living() -> QuerySet[ReasonTemplate]:
    return ReasonTemplate.objects.filter(retired_at=None)


@transaction.atomic
def add(
    step: str, *, title: str, text: str, by: Caller, now: datetime | None = None
) -> ReasonTemplate:
    if by.user is None:
        raise SignInRequired(_("Sign in to write a reason down."))
    _require(by)
    title, text = " ".join(title.split()), text.strip()
    if step not in STEPS:
        raise Invalid(_("A reason belongs to a step: %(steps)s.") % {"steps": ", ".join(STEPS)})
    if not title or not text:
        raise Invalid(_("Give the reason a title and a text."))
    if len(title) > LONGEST_TITLE or len(text) > LONGEST:
        raise Invalid(
            _("A title has at most %(longest_title)s characters, a reason at most %(longest)s.")
            % {"longest_title": LONGEST_TITLE, "longest": LONGEST}
        )
    if living().filter(step=step, title=title).exists():
        raise Conflict(_("There is a reason of this title for this step. Retire it first."))
    if living().count() >= MOST:
        raise Invalid(_("At most %(most)s reasons are kept. Retire one first.") % {"most": MOST})
    made = ReasonTemplate.objects.create(
        step=step, title=title, text=text, added_by=by.user, added_at=now or timezone.now()
    )
    log.record("reason.add", actor=by.public_id, subject=made, step=step)
    return made


@transaction.atomic
def retire(template: ReasonTemplate, *, by: Caller, now: datetime | None = None) -> None:
    _require(by)
    if not living().filter(pk=template.pk).update(retired_at=now or timezone.now()):
        raise Conflict(_("This reason is retired already."))
    log.record("reason.retire", actor=by.public_id, subject=template, step=template.step)


def _require(by: Caller) -> None:
    if not steps.reviews(by):
        raise NotAllowed(_("Only site maintainers write reasons down for all."))
