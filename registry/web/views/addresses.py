"""The page on which people keep their e-mail addresses. One address is of one person."""

from typing import Any

from allauth.account.views import EmailView
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from registry.web.accounts_adapter import ADDRESS_REFUSED
from registry.web.forms.addresses import AddressForm


class AddressesView(EmailView):
    form_class = AddressForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The database alone knows whether somebody took the address since it was added."""
        try:
            with transaction.atomic():
                return super().post(request, *args, **kwargs)
        except IntegrityError:
            messages.error(request, ADDRESS_REFUSED)
            return redirect("account_email")


addresses = AddressesView.as_view()
