"""The form of a model card: the fields of its front matter, its prose, or all of it as source."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from registry.catalog import cards, commits
from registry.releases import card_edits
from registry.releases.card_edits import Typed

PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}
RELATIONS = [("", "—"), *((one, one) for one in cards.RELATIONS)]
SEVERAL = _("Several with commas between.")


def _text(label: Any, help_text: Any = "", **attrs: str) -> forms.CharField:
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
    license = _text(_("License"), _("A known tag, or other with a name and a link."), list="tags")
    license_name = _text(_("Name of the license"), _("With other alone."))
    license_link = _text(_("Link to the license"), _("An address, or LICENSE in the repository."))
    base_model = _text(_("Base model"), SEVERAL, list="bases")
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
