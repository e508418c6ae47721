"""The form of a model card: the fields of its front matter, its prose, or all of it as source."""

from typing import Any

from django import forms
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from registry.agreements import documents
from registry.catalog import cards, commits
from registry.releases import card_edits
from registry.releases.card_edits import Typed

# While a base is typed, what it could be is asked for
LOOK_UP = {
    "list": "bases",
    "hx-get": reverse_lazy("look-up-base"),
    "hx-trigger": "input changed delay:250ms",
    "hx-target": "#bases",
}
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
RELATIONS = [("", "—"), *((one, one) for one in cards.RELATIONS)]
SEVERAL = _("Several with commas between.")


def _text(label: Any, help_text: Any = "", **attrs: Any) -> forms.CharField:
    return forms.CharField(
        label=label,
        required=False,
        max_length=4000,
        help_text=help_text,
        widget=forms.TextInput(attrs=PLAIN | attrs),
    )


class _CommitForm(forms.Form):
    """`began` is the revision that the person began with, `parent` the one that the commit goes on
    top of: another one once the branch moved and they saw how."""

    began = forms.CharField(max_length=40, widget=forms.HiddenInput)
    parent = forms.CharField(max_length=40, widget=forms.HiddenInput)
    summary = forms.CharField(
        label=_("What changes"),
        required=False,
        max_length=commits.MAX_TITLE,
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Update README.md"}),
    )

    def title(self) -> str:
        return self.cleaned_data["summary"].strip() or "Update README.md"


class CardForm(_CommitForm):
    license = forms.CharField(
        label=_("License"),
        required=False,
        help_text=_("What it asks is said below. Other: with a name and a link."),
        widget=forms.Select,
    )
    license_name = _text(_("Name of the license"), _("With other alone."))
    license_link = _text(_("Link to the license"), _("An address, or LICENSE in the repository."))
    base_model = _text(_("Base model"), SEVERAL, **LOOK_UP)
    base_model_relation = forms.ChoiceField(
        label=_("How it was made from it"), choices=RELATIONS, required=False
    )
    language = _text(_("Languages"), _("Codes such as en, fr."))
    pipeline_tag = _text(_("Task"), "", list="tasks")
    library_name = _text(_("Library"), "", list="libraries")
    tags = _text(_("Tags"), SEVERAL)
    datasets = _text(_("Datasets"), SEVERAL)
    new_version = _text(_("Successor"), _("The id of a model that is better by now."))
    prose = forms.CharField(
        label=_("Text"),
        required=False,
        strip=False,
        help_text=_("Markdown."),
        max_length=card_edits.MAX_CARD,
        widget=forms.Textarea(attrs={"rows": 24}),
    )

    def __init__(self, *args: Any, **rest: Any) -> None:
        super().__init__(*args, **rest)
        known = documents.titles_by_tag()
        # What the card says stays, known or not: rules and not the form judge it
        said = str(self["license"].value() or "")
        others = [(said, said)] if said and said not in known else []
        named = [(tag, f"{tag} · {title}" if title else tag) for tag, title in known.items()]
        self.fields["license"].widget.choices = [("", "—"), *others, *named]

    def typed(self) -> Typed:
        values = {key: self.cleaned_data[key].strip() for key in card_edits.FIELDS}
        return Typed(values, self.cleaned_data["prose"])


class SourceForm(_CommitForm):
    source = forms.CharField(
        label=_("README.md, all of it"),
        required=False,
        strip=False,
        max_length=card_edits.MAX_CARD,
        widget=forms.Textarea(attrs={"rows": 34, "spellcheck": "false"}),
    )
