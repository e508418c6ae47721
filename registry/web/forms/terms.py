"""The form that accepts terms: the publisher's questions, for whom, what is stated, and the name."""

import hashlib
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from registry.accounts.models import Namespace
from registry.agreements import attestations, organisations
from registry.agreements.acceptances import MAX_NAME
from registry.agreements.models import Capacity
from registry.catalog import countries, questions
from registry.web.forms.access import question_field

WITHIN, ABOVE = "within", "above"
NOT_A_SIGNATORY = _(
    "You may not sign for that organisation now. Choose for whom you accept once more."
)


class AcceptForm(forms.Form):
    """Made for one set of terms, and for the organisations that this person may sign for. Fields of
    questions are named by their label, so that nothing typed moves when the questions change."""

    shown_hash = forms.CharField(widget=forms.HiddenInput, max_length=64)
    typed_name = forms.CharField(
        label=_("Your full name"),
        max_length=MAX_NAME,
        help_text=_("Typed in place of a signature. It is kept with the acceptance."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )
    also = forms.BooleanField(required=False)
    models = forms.CharField(required=False, widget=forms.HiddenInput, max_length=100 * 25)

    def __init__(
        self,
        terms: dict[str, Any],
        signs_for: Sequence[Namespace],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.organisations = {one.public_id: one for one in signs_for}
        named = [(key, one.full_name or one.name) for key, one in self.organisations.items()]
        self.fields["capacity"] = forms.ChoiceField(
            label=_("You accept"),
            choices=[
                (Capacity.SELF.value, _("for myself")),
                *((key, _("for %(name)s, as its signatory") % {"name": n}) for key, n in named),
            ],
            initial=Capacity.SELF.value,
            widget=forms.RadioSelect,
            error_messages={"invalid_choice": NOT_A_SIGNATORY},
        )
        asked = questions.of_json(terms.get("prompt")).asked
        self.questions = {_name_of(one.label): one for one in asked}
        for name, question in self.questions.items():
            self.fields[name] = question_field(question)
        self.regions = attestations.of(terms, attestations.REGION)
        if self.regions:
            self.fields["country"] = _country_field()
        self.limits: dict[str, dict[str, Any]] = {}
        if self.organisations:
            self._ask_organisations(terms)

    def _ask_organisations(self, terms: dict[str, Any]) -> None:
        for place, one in enumerate(attestations.of(terms, attestations.USERS)):
            self.limits[f"users{place}"] = one
            limit = number_format(one["limit"], force_grouping=True)
            self.fields[f"users{place}"] = forms.ChoiceField(
                label=_("Its monthly active users, with those of its affiliates"),
                help_text=one["clause"],
                choices=[
                    (WITHIN, _("not more than %(limit)s") % {"limit": limit}),
                    (ABOVE, _("more than %(limit)s") % {"limit": limit}),
                ],
                required=False,
                widget=forms.RadioSelect,
            )
        self.fields["authority"] = forms.BooleanField(
            label=_("I am authorised to bind the organisation to these terms."), required=False
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.organisation is not None:
            for name in self.limits:
                if not cleaned.get(name):
                    self.add_error(name, _("An answer is needed."))
            if not cleaned.get("authority"):
                self.add_error("authority", _("Tick this to accept for the organisation."))
        return cleaned

    @property
    def organisation(self) -> Namespace | None:
        """For whom, once the form was looked at; None for the person."""
        return self.organisations.get(self.cleaned_data.get("capacity", ""))

    @property
    def above(self) -> list[dict[str, Any]]:
        """The limits on users that the organisation is above, as was answered."""
        if not hasattr(self, "cleaned_data") or self.organisation is None:
            return []
        return [one for name, one in self.limits.items() if self.cleaned_data.get(name) == ABOVE]

    @property
    def question_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.questions]

    @property
    def organisation_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in [*self.limits, "authority"]] if self.organisations else []

    def said(self) -> dict[str, Any]:
        """What `offers.accept` takes of it."""
        given = self.cleaned_data
        attested = {one["id"]: given[name] == WITHIN for name, one in self.limits.items()}
        if self.organisations:
            attested[organisations.AUTHORITY] = given["authority"]
        return {
            "typed_name": given["typed_name"],
            "organisation": self.organisation,
            "answers": {one.label: _text(given[name]) for name, one in self.questions.items()},
            "country": given.get("country", ""),
            "attested": attested,
        }


def _name_of(label: str) -> str:
    return f"answer-{hashlib.sha256(label.encode(errors='replace')).hexdigest()[:16]}"


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _country_field() -> forms.ChoiceField:
    return forms.ChoiceField(
        label=_("Country of your domicile, or of the organisation's principal place of business"),
        choices=[("", _("Choose")), *countries.listed()],
        widget=forms.Select(attrs={"autocomplete": "country"}),
    )
