"""The form that begins a repository."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from registry.accounts.callers import Caller
from registry.agreements import documents
from registry.catalog.models import Visibility
from registry.releases import beginnings
from registry.releases.beginnings import Wanted
from registry.web.forms.cards import LOOK_UP

RELATIONS = [
    ("", _("as its files will show")),
    ("finetune", _("fine-tune: trained further")),
    ("adapter", _("adapter: weights beside the base's")),
    ("quantized", _("quantized: the same in fewer bits")),
    ("merge", _("merge of several")),
]
VISIBLE = [
    (Visibility.PUBLIC, _("public: everybody may know of it; files come out once released.")),
    (Visibility.PRIVATE, _("private: only members of its namespace know of it.")),
]
PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


class NewRepositoryForm(forms.Form):
    base = forms.CharField(
        label=_("What it is made from"),
        max_length=200,
        required=False,
        help_text=_("The id of the base model. Left empty, it was trained from scratch."),
        widget=forms.TextInput(attrs=PLAIN | LOOK_UP),
    )
    relation = forms.ChoiceField(label=_("How"), choices=RELATIONS, required=False)
    owner = forms.ChoiceField(label=_("Owner"))
    name = forms.CharField(
        label=_("Name"),
        max_length=96,
        required=False,
        help_text=_("Left empty, one is proposed once there is a base."),
        widget=forms.TextInput(attrs=PLAIN),
    )
    # The name that the site put into the field: another base brings another one
    proposed = forms.CharField(max_length=96, required=False, widget=forms.HiddenInput)
    license = forms.ChoiceField(label=_("License"), required=False)
    visibility = forms.ChoiceField(
        label=_("Who may know of it"),
        choices=VISIBLE,
        initial=Visibility.PUBLIC,
        widget=forms.RadioSelect,
    )

    def __init__(self, *args: Any, caller: Caller, **rest: Any) -> None:
        super().__init__(*args, **rest)
        self._owners = {one.name: one for one in beginnings.owners(caller)}
        self.fields["owner"].choices = [(name, name) for name in self._owners]  # type: ignore[attr-defined]
        known = documents.titles_by_tag().items()
        tags = [(tag, f"{tag} · {title}" if title else tag) for tag, title in known]
        first = ("", gettext("that of the base"))
        self.fields["license"].choices = [first, *tags]  # type: ignore[attr-defined]

    @property
    def is_name_ours(self) -> bool:
        """Whether the name is empty, or still the one that was proposed."""
        return self.cleaned_data["name"].strip() in {"", self.cleaned_data["proposed"]}

    def propose(self, name: str) -> None:
        """Put this name into the field, where the person wrote none."""
        if self.is_name_ours:
            self.data = {**self.data, "name": name, "proposed": name}

    def wanted(self) -> Wanted:
        given = self.cleaned_data
        return Wanted(
            owner=self._owners[given["owner"]],
            name="" if self.is_name_ours else given["name"].strip(),
            base=given["base"].strip(),
            relation=given["relation"],
            license=given["license"],
        )
