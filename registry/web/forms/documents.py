"""The forms of stewards: a text, a document, a reason."""

from datetime import date
from typing import Any

from django import forms
from django.utils.text import slugify
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.agreements import documents
from registry.agreements.models import Document, DocumentKind
from registry.errors import Invalid
from registry.web import labels

MAX_PASTED = documents.MAX_TEXT + 1  # one more, so that the rule sees that it is too long


class VersionForm(forms.Form):
    version = forms.CharField(
        label=_("Version"),
        max_length=64,
        help_text=_(
            "As its publisher names it, such as 3.1. A label stands for one text for ever."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    effective_date = forms.CharField(
        label=_("Takes effect on"),
        required=False,
        max_length=40,
        help_text=_("Year-month-day, at 00:00 UTC. Empty: at once."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "2024-07-23"}),
    )

    def clean_effective_date(self) -> date | None:
        typed = str(self.cleaned_data["effective_date"])
        try:
            return documents.date_in(typed) if typed.strip() else None
        except Invalid as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class TextForm(VersionForm):
    file = forms.FileField(
        label=_("File"),
        required=False,
        allow_empty_file=True,
        help_text=_("The exact bytes are kept, up to 1 MiB, UTF-8."),
    )
    text = forms.CharField(
        label=_("Or paste the text"),
        required=False,
        strip=False,
        help_text=_("Lines end with a line feed, whatever your browser sends."),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    field_order = ("file", "text", "version", "effective_date")

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        file, pasted = given.get("file"), given.get("text") or ""
        if file is not None and pasted.strip():
            raise forms.ValidationError(gettext("Give a file or paste the text, not both."))
        if file is not None:
            given["bytes"] = file.read(MAX_PASTED)
        elif pasted:
            given["bytes"] = pasted.replace("\r\n", "\n").encode()
        elif "text" not in self.errors and "file" not in self.errors:
            raise forms.ValidationError(
                gettext("Choose a file of at most 1 MiB, or paste the text.")
            )
        return given


class TakeForm(VersionForm):
    document = forms.ChoiceField(label=_("It is a text of"))

    field_order = ("document", "version", "effective_date")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Document.objects.filter(stands_for=None).order_by("title")
        self.fields["document"] = forms.ChoiceField(
            label=_("It is a text of"),
            choices=[("", _("Choose")), *known.values_list("slug", "title")],
        )


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=documents.MAX_REASON,
        help_text=_("It stands in the audit log. Name no person."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class DocumentForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=300)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=list(labels.KINDS.items()), initial=DocumentKind.LICENSE
    )
    slug = forms.CharField(
        label=_("Id"),
        max_length=100,
        required=False,
        help_text=_("Letters, digits and hyphens, for addresses. Empty: made from the title."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    publisher = forms.CharField(label=_("Publisher"), max_length=300, required=False)
    official_url = forms.CharField(
        label=_("Official address"),
        max_length=500,
        required=False,
        widget=forms.URLInput(attrs={"autocomplete": "off", "placeholder": "https://"}),
    )
    hub_tags = forms.CharField(
        label=_("Tags"),
        max_length=1000,
        required=False,
        help_text=_("What model cards write as license, separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    license_names = forms.CharField(
        label=_("Names"),
        max_length=1000,
        required=False,
        help_text=_("What they write as license_name beside license: other, separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    needs_acceptance = forms.BooleanField(
        label=_("Downloads wait until a reader accepted it"), required=False, initial=True
    )

    def wanted(self) -> dict[str, Any]:
        """What the rules are asked for."""
        given = dict(self.cleaned_data)
        given["slug"] = given["slug"].strip() or slugify(given["title"])[:100]
        for name in ("hub_tags", "license_names"):
            given[name] = given[name].split(",")
        return given
