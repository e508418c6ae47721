"""The mail domains of organisations: asked for by an admin, confirmed by a steward, ended at once."""

from collections.abc import Callable

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts import languages
from registry.accounts.callers import Caller
from registry.accounts.domains import normalised
from registry.accounts.models import Namespace, NamespaceKind, Role
from registry.accounts.permissions import Permission, may
from registry.agreements.models import Domain
from registry.audit import log
from registry.errors import Conflict, Invalid, Missing, NotAllowed, NotNow
from registry.outbox import mail

MAX_WORDS = 500
MAX_OPEN = 20  # of one organisation
NO_DOMAIN = gettext_noop("There is no such domain, or none that you may know of.")
# Everybody can have an address there, so an address shows nothing
_PROVIDERS = """
    126.com 163.com aol.com bluewin.ch btinternet.com comcast.net duck.com fastmail.com free.fr
    freenet.de gmail.com gmx.at gmx.ch gmx.com gmx.de gmx.net googlemail.com hey.com hotmail.co.uk
    hotmail.com hotmail.de hotmail.fr icloud.com inbox.com laposte.net libero.it live.com mac.com
    mail.com mail.ru mailbox.org me.com msn.com naver.com orange.fr outlook.com outlook.de
    outlook.fr posteo.de proton.me protonmail.com qq.com rediffmail.com rocketmail.com sfr.fr
    t-online.de tuta.com tutanota.com wanadoo.fr web.de yahoo.co.in yahoo.co.jp yahoo.co.uk
    yahoo.com yahoo.de yahoo.fr yandex.com yandex.ru ymail.com zoho.com
"""
# Under these, others have domains of their own
_SUFFIXES = """
    ac.at ac.in ac.jp ac.kr ac.nz ac.uk ac.za asso.fr co.at co.id co.il co.in co.jp co.kr co.nz
    co.th co.uk co.za com.ar com.au com.br com.cn com.co com.hk com.mx com.my com.ph com.pl com.sg
    com.tr com.tw com.ua com.vn edu.au edu.br edu.cn edu.in edu.pl gob.mx gouv.fr gov.au gov.br
    gov.cn gov.in gov.uk go.jp ne.jp net.au net.br net.cn nhs.uk or.at or.jp or.kr org.au org.br
    org.cn org.in org.nz org.uk org.za github.io gitlab.io herokuapp.com pages.dev vercel.app
    netlify.app
"""
PROVIDERS, SUFFIXES = frozenset(_PROVIDERS.split()), frozenset(_SUFFIXES.split())
_RESERVED_ENDS = (".local", ".localhost", ".internal", ".invalid", ".onion", ".arpa")


def visible_to(caller: Caller) -> QuerySet[Domain]:
    """All for stewards. Admins see those of their organisations."""
    found = Domain.objects.select_related("organisation", "asked_by", "confirmed_by")
    if caller.is_steward and caller.can_administer:
        return found
    if caller.user is None or not caller.can_administer:
        return found.none()
    return found.filter(
        organisation__memberships__user=caller.user, organisation__memberships__role=Role.ADMIN
    )


def open_of(organisation: Namespace) -> QuerySet[Domain]:
    """Those confirmed or waiting, in the order in which they were asked for."""
    return organisation.domains.filter(ended_at=None).select_related("asked_by", "confirmed_by")


def others_with(domain: Domain) -> QuerySet[Domain]:
    """The same domain with other organisations, confirmed or waiting."""
    same = Domain.objects.filter(domain=domain.domain, ended_at=None)
    return same.exclude(pk=domain.pk).select_related("organisation")


def checked(written: str) -> str:
    """The domain as it is stored, or the refusal of one that shows nothing about its users."""
    domain = normalised(written)
    if domain in PROVIDERS:
        raise Invalid(
            _(
                "%(domain)s is a public mail provider: an address there shows nothing about an "
                "organisation. Ask for a domain that is its own."
            )
            % {"domain": domain}
        )
    if domain in SUFFIXES or domain.endswith(_RESERVED_ENDS):
        raise Invalid(
            _("%(domain)s belongs to no organisation. Ask for the whole domain.")
            % {"domain": domain}
        )
    return domain


@transaction.atomic
def ask(organisation: Namespace, *, domain: str, by: Caller) -> Domain:
    """Ask that a domain counts as the organisation's. Until a steward confirms it, it does not."""
    if organisation.kind != NamespaceKind.ORGANISATION:
        raise Invalid(
            _("%(organisation)s is a person, who needs no domain.")
            % {"organisation": organisation.name}
        )
    if by.user is None or not may(by, Permission.ADMIN, organisation):
        raise NotAllowed(
            _("Only an admin of %(organisation)s can ask for a domain of it.")
            % {"organisation": organisation.name}
        )
    wanted = checked(domain)
    if open_of(organisation).count() >= MAX_OPEN:
        raise NotNow(
            _("An organisation has at most %(most)s domains. Withdraw one first.")
            % {"most": MAX_OPEN}
        )
    try:
        with transaction.atomic():
            made = Domain.objects.create(
                organisation=organisation,
                domain=wanted,
                asked_by=by.user,
                asked_at=timezone.now(),
            )
    except IntegrityError as error:
        raise Conflict(_("%(wanted)s was asked for already.") % {"wanted": wanted}) from error
    _note("domain.ask", made, by=by)
    return made


@transaction.atomic
def confirm(domain: Domain, *, words: str, by: Caller) -> Domain:
    """A steward found that the organisation has the domain; `words` say what was looked at."""
    found, words = _taken(domain, by=by), _said(words, "Say what you checked.")
    _require_waiting(found)
    if by.user is None or found.asked_by_id == by.user.pk:
        raise NotAllowed(
            _("You asked for this domain yourself; another steward has to confirm it.")
        )
    found.confirmed_by, found.confirmed_at = by.user, timezone.now()
    try:
        with transaction.atomic():
            found.save(update_fields=["confirmed_by", "confirmed_at"])
    except IntegrityError as error:
        raise Conflict(
            _("%(domain)s is confirmed for another organisation. End that first.")
            % {"domain": found.domain}
        ) from error
    _note("domain.confirm", found, by=by, reason=words)
    _tell(
        found,
        lambda: (_("%(domain)s is confirmed for %(organisation)s") % _names(found), _(CONFIRMED)),
    )
    return found


@transaction.atomic
def refuse(domain: Domain, *, words: str, by: Caller) -> Domain:
    """A steward did not find that the organisation has the domain. It can be asked for again."""
    found, words = _taken(domain, by=by), _said(words, "Say why it is refused.")
    _require_waiting(found)
    _close(found)
    _note("domain.refuse", found, by=by, reason=words)
    _tell(
        found,
        lambda: (_("%(domain)s was not confirmed for %(organisation)s") % _names(found), words),
    )
    return found


@transaction.atomic
def end(domain: Domain, *, words: str, by: Caller) -> Domain:
    """Nobody signs by this domain from now on. What was signed by it stays."""
    found, words = _taken(domain, by=by), _said(words, "Say why it ends.")
    if found.ended_at is not None or found.confirmed_at is None:
        raise NotNow(
            _("%(domain)s is not confirmed now, so there is nothing to end.")
            % {"domain": found.domain}
        )
    _close(found)
    _note("domain.end", found, by=by, reason=words)
    _tell(
        found,
        lambda: (_("%(domain)s no longer signs for %(organisation)s") % _names(found), words),
    )
    return found


@transaction.atomic
def withdraw(domain: Domain, *, by: Caller) -> Domain:
    """An admin takes back what still waits."""
    if not may(by, Permission.ADMIN, domain.organisation):
        raise NotAllowed(
            _("Only an admin of %(organisation)s can withdraw this.")
            % {"organisation": domain.organisation.name}
        )
    found = _locked(domain)
    _require_waiting(found)
    _close(found)
    _note("domain.withdraw", found, by=by)
    return found


CONFIRMED = gettext_noop(
    "Admins of the organisation who have a verified mail address there can accept terms for it."
)


def _taken(domain: Domain, *, by: Caller) -> Domain:
    if not may(by, Permission.GOVERN, domain.organisation):
        raise NotAllowed(
            _("Only a steward, in a browser or with an admin token, decides on domains.")
        )
    return _locked(domain)


def _locked(domain: Domain) -> Domain:
    locked = Domain.objects.select_for_update(of=("self",), no_key=True)
    found = locked.select_related("organisation", "asked_by").filter(pk=domain.pk).first()
    if found is None:
        raise Missing(_(NO_DOMAIN))
    return found


def _require_waiting(found: Domain) -> None:
    if found.ended_at is not None or found.confirmed_at is not None:
        raise NotNow(_("%(domain)s was decided already.") % {"domain": found.domain})


def _close(found: Domain) -> None:
    found.ended_at = timezone.now()
    found.save(update_fields=["ended_at"])


def _said(words: str, missing: str) -> str:
    said = words.strip()
    if not said:
        raise Invalid(missing)
    if len(said) > MAX_WORDS or "\0" in said:
        raise Invalid(_("Use at most %(most)s characters.") % {"most": MAX_WORDS})
    return said


def _note(event: str, domain: Domain, *, by: Caller, **details: str) -> None:
    log.record(
        event,
        actor=by.public_id,
        subject=domain,
        organisation=domain.organisation.public_id,
        **details,
    )


def _names(domain: Domain) -> dict[str, str]:
    return {"domain": domain.domain, "organisation": domain.organisation.name}


def _tell(domain: Domain, write: Callable[[], tuple[str, str]]) -> None:
    """A mail to who asked for it, whose subject and text are written in their language."""
    person = domain.asked_by
    if person.is_active and person.email:
        with languages.speaking_to(person):
            subject, text = write()
        mail.queue(to=person.email, subject=subject, text=f"{subject}.\n\n{text}\n")
