"""How allauth makes people here: through the rules of accounts, so that each has their name."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from registry.accounts import names, people
from registry.accounts.models import ReservedName, User
from registry.errors import RegistryError


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGNUP_OPEN

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """A user name is a namespace, and obeys its rules."""
        try:
            names.check_namespace(username)
        except RegistryError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if not shallow and ReservedName.objects.filter(folded=username.lower()).exists():
            raise forms.ValidationError(_("This name is taken; choose another."))
        return username

    def save_user(self, request: HttpRequest, user: User, form: Any, commit: bool = True) -> User:
        data = form.cleaned_data
        try:
            made = people.create_person(
                username=data["username"], email=data["email"], password=data["password1"]
            )
        except RegistryError as refusal:  # somebody took the name between form and row
            messages.error(request, str(refusal))
            raise ImmediateHttpResponse(redirect("account_signup")) from refusal
        # allauth goes on with the object it gave, so that one becomes the person just made
        user.pk = made.pk
        user.refresh_from_db()
        user._state.adding = False
        return user
