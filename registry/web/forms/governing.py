"""The forms of stewards about people: ending licenses, taking away rows, erasing, and asking why."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.accounts.models import Namespace, NamespaceKind, User
from registry.agreements import endings
from registry.agreements.exports import Wanted
from registry.agreements.models import Document, DocumentKind, EndingEvent
from registry.catalog import repositories
from registry.catalog.models import Repository
from registry.errors import RegistryError
from registry.web import labels
from registry.web.requests import CallerRequest

EVENTS = [
    (one, labels.EVENTS[one])
    for one in (EndingEvent.BREACH, EndingEvent.PUBLISHER, EndingEvent.SUIT)
]
KINDS = [
    ("acceptances", _("acceptances of terms")),
    ("adherences", _("members who joined what an organisation accepted")),
    ("requests", _("access requests")),
    ("grants", _("grants")),
    ("endings", _("ended licenses")),
]
FORMATS = [("csv", _("CSV, for tables")), ("jsonl", _("JSON lines, for programs"))]
PLAIN = forms.TextInput(attrs={"autocomplete": "off"})


class _AskedByForm(forms.Form):
    """One that finds things by the names that were typed, as the caller may know of them."""

    def __init__(self, request: CallerRequest, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self.caller = request.caller

    def _repository(self, name: str) -> Repository | None:
        if not name.strip():
            return None
        try:
            return repositories.find(name.strip(), caller=self.caller)
        except RegistryError as refusal:
            raise forms.ValidationError(gettext("There is no such repository.")) from refusal

    def _person(self, name: str) -> User | None:
        if not name.strip():
            return None
        found = User.objects.filter(username__iexact=name.strip()).first()
        if found is None:
            raise forms.ValidationError(gettext("There is nobody of this name."))
        return found


def _licenses() -> list[tuple[str, str]]:
    found = Document.objects.filter(kind=DocumentKind.LICENSE, stands_for=None)
    return [("", "—"), *found.order_by("title").values_list("slug", "title")]


class EndLicenseForm(_AskedByForm):
    license = forms.ChoiceField(label=_("License"), choices=_licenses)
    party = forms.CharField(
        label=_("Whose"),
        max_length=96,
        required=False,
        help_text=_(
            "A person or an organisation. Left empty, everybody's, where its publisher ended it."
        ),
        widget=PLAIN,
    )
    event = forms.ChoiceField(label=_("Why it ends"), choices=EVENTS, widget=forms.RadioSelect)
    reason = forms.CharField(
        label=_("Reason"),
        max_length=endings.MAX_REASON,
        help_text=_("The licensee is told it. It is kept for good, so name no people in it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_license(self) -> Document:
        return Document.objects.get(slug=self.cleaned_data["license"])

    def clean_party(self) -> User | Namespace | None:
        name = self.cleaned_data["party"].strip()
        organisations = Namespace.objects.filter(kind=NamespaceKind.ORGANISATION)
        if name and (found := organisations.filter(name__iexact=name).first()) is not None:
            return found
        return self._person(name)


class ExportForm(_AskedByForm):
    kind = forms.ChoiceField(label=_("What"), choices=KINDS)
    format = forms.ChoiceField(label=_("As"), choices=FORMATS, initial="csv")
    since = forms.DateField(
        label=_("From"),
        required=False,
        help_text=_("From 00:00 UTC of this day."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    until = forms.DateField(
        label=_("Until"),
        required=False,
        help_text=_("Up to 00:00 UTC of this day, which is not part of it."),
        widget=forms.DateInput(attrs={"type": "date"}),
    )
    repository = forms.CharField(
        label=_("Repository"), max_length=200, required=False, widget=PLAIN
    )
    organisation = forms.CharField(
        label=_("Organisation"), max_length=96, required=False, widget=PLAIN
    )
    license = forms.ChoiceField(label=_("License"), choices=_licenses, required=False)
    personal = forms.BooleanField(
        label=_("With names, addresses and what people wrote"), required=False
    )

    def clean_repository(self) -> Repository | None:
        return self._repository(self.cleaned_data["repository"])

    def clean_organisation(self) -> Namespace | None:
        name = self.cleaned_data["organisation"].strip()
        if not name:
            return None
        organisations = Namespace.objects.filter(kind=NamespaceKind.ORGANISATION)
        if (found := organisations.filter(name__iexact=name).first()) is None:
            raise forms.ValidationError(gettext("There is no such organisation."))
        return found

    def clean_license(self) -> Document | None:
        return Document.objects.filter(slug=self.cleaned_data["license"]).first()

    def wanted(self) -> Wanted:
        typed = self.cleaned_data
        days = {
            name: datetime.combine(typed[name], time(), UTC) if typed[name] else None
            for name in ("since", "until")
        }
        return Wanted(**(typed | days))


class EraseForm(forms.Form):
    """The name that has to be typed before an account is erased."""

    name = forms.CharField(label=_("Name of the account"), max_length=96, widget=PLAIN)


class WhyForm(_AskedByForm):
    person = forms.CharField(
        label=_("Person"),
        max_length=96,
        required=False,
        help_text=_("Left empty, somebody who is not signed in."),
        widget=PLAIN,
    )
    repository = forms.CharField(label=_("Repository"), max_length=200, widget=PLAIN)
    revision = forms.CharField(
        label=_("Version or commit"),
        max_length=100,
        required=False,
        help_text=_("Left empty, what was offered then."),
        widget=PLAIN,
    )
    path = forms.CharField(label=_("File"), max_length=1024, required=False, widget=PLAIN)
    at = forms.DateTimeField(
        label=_("When (UTC)"),
        required=False,
        help_text=_("Left empty, now."),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"],
        widget=forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}),
    )

    def clean_person(self) -> User | None:
        return self._person(self.cleaned_data["person"])

    def clean_repository(self) -> Repository | None:
        return self._repository(self.cleaned_data["repository"])

    def clean_at(self) -> datetime | None:
        at: datetime | None = self.cleaned_data["at"]
        if at is not None and at > timezone.now():
            raise forms.ValidationError(
                gettext("Nobody knows that yet: choose a moment that has passed.")
            )
        return at
