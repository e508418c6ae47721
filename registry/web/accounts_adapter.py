"""How allauth makes people here: through the rules of accounts, so that each has their name."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core.exceptions import ImmediateHttpResponse
from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest
from django.shortcuts import redirect
from django.utils import translation
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from registry.accounts import imitations, languages, naming, people
from registry.accounts.models import ReservedName, User
from registry.errors import RegistryError

# It does not say that the address is of somebody else, or of whom
ADDRESS_REFUSED = gettext_lazy("You cannot use this e-mail address; choose another.")


class AccountAdapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return settings.SIGNUP_OPEN

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """A user name is a namespace, and obeys its rules."""
        try:
            naming.check_namespace(username)
        except RegistryError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if not shallow and ReservedName.objects.filter(folded=username.lower()).exists():
            raise forms.ValidationError(_("This name is taken; choose another."))
        if not shallow and imitations.problem(username):
            raise forms.ValidationError(
                _("This name is too easily taken for somebody else's; choose another.")
            )
        return username

    def confirm_email(self, request: HttpRequest, email_address: EmailAddress) -> bool:
        """Confirming makes an address the primary one, which somebody else may have by now."""
        try:
            with transaction.atomic():
                confirmed: bool = super().confirm_email(request, email_address)
        except IntegrityError:
            messages.error(request, ADDRESS_REFUSED)
            return False
        return confirmed

    def login(self, request: HttpRequest, user: User) -> None:
        """Whoever comes in by a page that is not in the site's own language reads that one."""
        super().login(request, user)
        spoken = get_language() or settings.LANGUAGE_CODE
        if not user.language and spoken != settings.LANGUAGE_CODE:
            languages.choose(user, spoken)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Somebody else may ask for a mail to a person, who reads it in the language that they chose.
        Where they chose none, or nobody is known, it is that of the page."""
        spoken, user = get_language(), context.get("user")
        if isinstance(user, User) and user.language:
            spoken = languages.of(user)
        with translation.override(spoken):
            super().send_mail(template_prefix, email, context)

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
