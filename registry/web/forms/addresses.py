"""The form that adds an e-mail address to an account."""

from typing import Any

from allauth.account.forms import AddEmailForm
from allauth.account.models import EmailAddress
from django import forms

from registry.accounts.models import User
from registry.web.accounts_adapter import ADDRESS_REFUSED
from registry.web.forms.accounts import reword


class AddressForm(AddEmailForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        reword(self.fields)

    def clean_email(self) -> str:
        email: str = super().clean_email()
        others = User.objects.exclude(pk=self.user.pk).filter(email__iexact=email)
        confirmed = EmailAddress.objects.exclude(user=self.user).filter(
            email__iexact=email, verified=True
        )
        if others.exists() or confirmed.exists():
            raise forms.ValidationError(ADDRESS_REFUSED)
        return email
