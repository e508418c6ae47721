"""Small parts that many pages share: verdicts, lines to copy, digests, field widgets."""

from typing import Any

from django import forms, template
from django.utils.formats import number_format
from django.utils.html import avoid_wrapping, escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from registry.accounts import plain_hub
from registry.accounts.models import Namespace
from registry.agreements.duties.engine import Result
from registry.catalog import likes
from registry.catalog.models import Repository, RepositoryType
from registry.checks import catalogue
from registry.web import card_words, fact_words, labels
from registry.web.duty_sentences import DUTIES
from registry.web.findings_said import FINDINGS
from registry.web.kept_sentences import OF_RUNS, WHY_IT_APPLIES

register = template.Library()

_UNITS = (
    (10**12, _("%(amount)s TB")),
    (10**9, _("%(amount)s GB")),
    (10**6, _("%(amount)s MB")),
    (10**3, _("%(amount)s KB")),
)

# Each verdict and state has one hue, one sign and one word, everywhere
_SIGNS: dict[str, tuple[str, str, Any]] = {
    "passed": ("is-passed", "✓", pgettext_lazy("verdict", "passed")),
    "warned": ("is-warned", "!", pgettext_lazy("verdict", "warned")),
    "blocked": ("is-blocked", "✗", pgettext_lazy("verdict", "blocked")),
    "error": ("is-blocked", "↯", pgettext_lazy("verdict", "check failed to run")),
    "running": ("is-running", "◔", pgettext_lazy("verdict", "running")),
    "queued": ("is-running", "…", pgettext_lazy("verdict", "waiting to run")),
    "superseded": ("is-unknown", "»", pgettext_lazy("verdict", "superseded")),
    "unknown": ("is-unknown", "?", pgettext_lazy("verdict", "not checked yet")),
    "quarantine": ("is-unknown", "◌", pgettext_lazy("state", "in quarantine")),
    "draft": ("is-unknown", "◌", pgettext_lazy("state", "draft")),
    "in_review": ("is-running", "◔", pgettext_lazy("state", "in review")),
    "changes_requested": ("is-warned", "!", pgettext_lazy("state", "changes requested")),
    "released": ("is-passed", "✓", pgettext_lazy("state", "released")),
    "rejected": ("is-blocked", "✗", pgettext_lazy("state", "rejected")),
    "withdrawn": ("is-unknown", "−", pgettext_lazy("state", "withdrawn")),
    "suspended": ("is-warned", "‖", pgettext_lazy("state", "suspended")),
    "recalled": ("is-blocked", "✗", pgettext_lazy("state", "recalled")),
    "open": ("is-running", "○", pgettext_lazy("state", "open")),
    "closed": ("is-unknown", "−", pgettext_lazy("state", "closed")),
    "merged": ("is-passed", "✓", pgettext_lazy("state", "merged")),
    "block": ("is-blocked", "✗", pgettext_lazy("severity", "blocks")),
    "warn": ("is-warned", "!", pgettext_lazy("severity", "warning")),
    "review": ("is-running", "◔", pgettext_lazy("verdict", "a steward decides")),
    "info": ("is-unknown", "i", pgettext_lazy("severity", "for information")),
}


@register.inclusion_tag("components/verdict.html")
def verdict(name: str) -> dict[str, Any]:
    """A verdict or state as sign and word."""
    look, sign, word = _SIGNS.get(str(name) or "unknown", ("is-unknown", "?", _("unknown")))
    return {"look": look, "sign": sign, "word": word}


@register.filter
def label(value: str) -> str:
    """What people read for a kind or state that the rules name by a word."""
    return str(labels.ALL.get(value, value))


@register.filter
def card_problem(problem: str) -> str:
    """What is wrong with a card, in the reader's language."""
    return card_words.said(problem)


@register.filter
def decided(kind: str) -> str:
    """What somebody did who decided so about a release."""
    return str(labels.DECISIONS.get(kind, kind))


@register.filter
def request_state(state: str) -> str:
    """How far a request for access is, as the person who asked reads it."""
    return str(labels.REQUEST_STATES.get(state, state))


@register.inclusion_tag("components/copy_line.html")
def copy_line(text: str, key: str) -> dict[str, str]:
    """A line for a terminal with a button that copies it. `key` is unique on the page."""
    return {"text": text, "key": key}


@register.filter
def is_plain_hub(owner: Namespace) -> bool:
    """Whether what this namespace holds is out without a release."""
    return plain_hub.is_on(owner)


@register.inclusion_tag("components/like.html", takes_context=True)
def like_button(context: template.Context, repository: Repository) -> dict[str, Any]:
    """How many like it, and the button of whoever is signed in."""
    caller = context["caller"]
    return {
        "repository": repository,
        "caller": caller,
        "is_liked": likes.is_liked(repository, by=caller),
    }


@register.filter
def duty_said(text: str) -> str:
    """What a rule about licenses found, which is kept in English, in the reader's language."""
    return DUTIES.said(text)


@register.filter
def hold_said(hold: str) -> str:
    """What is in the way of a release, which is kept in English, in the reader's language: a finding
    behind the name of its check, or what a rule about licenses says."""
    check, colon, message = hold.partition(": ")
    if colon and check in catalogue.CHECKS:
        return f"{gettext('%(title)s:') % {'title': check}} {FINDINGS.whole(message)}"
    return DUTIES.said(hold)


@register.filter
def finding_said(message: str) -> str:
    """What a check found, which its report keeps in English, in the reader's language."""
    return FINDINGS.whole(message)


@register.filter
def duty_note(rule: Result) -> str:
    """What a clause says beyond its title, in the reader's language."""
    return fact_words.note_of(rule)


@register.filter
def applies_said(text: str) -> str:
    """Why a document belongs to the terms, in the reader's language."""
    return WHY_IT_APPLIES.said(text)


@register.filter
def run_said(text: str) -> str:
    """Why a job did not run or ended, and what it compared, in the reader's language."""
    return OF_RUNS.said(text)


@register.filter
def short(digest: str, length: int = 12) -> str:
    return digest[: int(length)]


@register.filter
def before_brackets(words: str) -> str:
    """A name without what is added in brackets, for the narrow columns of lists."""
    return words.partition(" (")[0]


@register.filter
def size(count: int) -> str:
    """`3.4 GB`: bytes as the `hf` command counts them, a thousand to the next unit."""
    for unit, words in _UNITS:
        if count >= unit:
            return avoid_wrapping(words % {"amount": number_format(count / unit, 1)})
    return avoid_wrapping(ngettext("%(count)d byte", "%(count)d bytes", count) % {"count": count})


@register.filter
def exact_size(count: int) -> str:
    """`3,400,123,456 bytes`: what stands behind a size that people read."""
    words = ngettext("%(counted)s byte", "%(counted)s bytes", count)
    return words % {"counted": number_format(count, force_grouping=True)}


@register.filter
def code_spans(sentence: str) -> SafeString:
    """What a sentence of ours puts between backticks, as code. The rest is escaped as ever."""
    pieces = [escape(piece) for piece in sentence.split("`")]
    if len(pieces) % 2 == 0:
        return mark_safe("`".join(pieces))  # noqa: S308 - each piece is escaped
    return mark_safe(  # noqa: S308 - each piece is escaped
        "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
    )


@register.filter
def errors_of_no_field(form: forms.BaseForm) -> list[str]:
    """What is wrong with the form as a whole, or with a field that nobody sees."""
    hidden = [error for field in form.hidden_fields() for error in field.errors]
    return [*form.non_field_errors(), *hidden]


@register.filter
def is_checkbox(field: forms.BoundField) -> bool:
    return isinstance(field.field.widget, forms.CheckboxInput)


@register.filter
def is_choice(field: forms.BoundField) -> bool:
    return isinstance(field.field.widget, forms.RadioSelect)


@register.simple_tag(takes_context=True)
def site_address(context: template.Context) -> str:
    """The address that a client's HF_ENDPOINT names."""
    return context["request"].build_absolute_uri("/").rstrip("/")


@register.simple_tag
def client_id(repository: Repository) -> str:
    """A repository as the `hf` command names it."""
    if repository.type == RepositoryType.MODEL:
        return repository.full_name
    return f"{repository.full_name} --repo-type {repository.type}"


@register.simple_tag(takes_context=True)
def page_address(context: template.Context, number: int) -> str:
    """This page's address with another page number; search and filters stay."""
    query = context["request"].GET.copy()
    query["page"] = str(number)
    return "?" + query.urlencode()


@register.simple_tag(takes_context=True)
def current_mark(context: template.Context, url: str, section: str = "") -> SafeString:
    """In a navigation: `page` on the link to this very page, `true` on that of the section it is in."""
    path = context["request"].path
    is_inside = url != "/" and path.startswith(section or f"{url}/")
    word = "page" if path == url else "true" if is_inside else ""
    return format_html(' aria-current="{}"', word) if word else SafeString("")
