"""The pages of accounts, looked at as the others are; a forgotten password; sign-up that is closed."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core import mail
from playwright.sync_api import Page, expect

from tests import factories
from tests.web.browser.looking import glance, look, look_here, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
NEW = "another-long-passphrase"


@pytest.mark.looks_at(
    "account_change_password",
    "account_logout",
    "account_reset_password",
    "account_reset_password_done",
    "account_reset_password_from_key",
    "account_reset_password_from_key_done",
)
def test_a_password_is_changed_forgotten_and_set_anew(
    page: Page, picture_folder: Path | None
) -> None:
    ada = factories.make_user("ada")
    sign_in(page.context, ada)
    look(page, "password-change", "/accounts/password/change/", picture_folder)
    look(page, "sign-out", "/accounts/logout/", picture_folder)
    page.goto("/accounts/logout/")
    page.get_by_role("main").get_by_role("button", name="Sign out").click()

    page.goto("/accounts/login/")
    page.get_by_role("link", name="Forgot your password?").click()
    page.locator("input[name=email]").fill("nobody")
    page.locator("input[name=email]").evaluate("input => input.type = 'text'")
    page.get_by_role("main").get_by_role("button").click()
    look_here(page)  # with its error
    look(page, "password-reset", "/accounts/password/reset/", picture_folder)
    page.goto("/accounts/password/reset/")
    page.locator("input[name=email]").fill(ada.email)
    page.get_by_role("main").get_by_role("button").click()
    look(page, "password-reset-done", page.url, picture_folder)
    page.goto(_link(r"\S+(/accounts/password/reset/key/\S+)"))
    look(page, "password-reset-key", page.url, picture_folder)
    glance(page, "/accounts/password/reset/key/x-y/")  # a link that is over
    page.goto(_link(r"\S+(/accounts/password/reset/key/\S+)"))
    page.locator("input[name=password1]").fill(NEW)
    page.locator("input[name=password2]").fill(NEW)
    page.get_by_role("main").get_by_role("button", name="Change password").click()
    look(page, "password-reset-key-done", page.url, picture_folder)

    ada.refresh_from_db()
    assert ada.check_password(NEW)


@pytest.mark.looks_at("account_confirm_email", "account_email_verification_sent", "addresses")
def test_an_address_is_added_and_confirmed(page: Page, picture_folder: Path | None) -> None:
    sign_in(page.context, factories.make_user("ada"))
    page.goto("/accounts/email/")
    page.locator("input[type=email]").fill("ada@lab.example")
    page.get_by_role("button", name=re.compile("^Add")).click()
    look(page, "email-waits", "/accounts/email/", picture_folder)
    look(page, "email-sent", "/accounts/confirm-email/", picture_folder)
    link = _link(r"\S+(/accounts/confirm-email/\S+)")
    look(page, "email-confirm", link, picture_folder)
    page.goto(link)
    page.get_by_role("main").get_by_role("button").click()

    expect(page.get_by_text("ada@lab.example").first).to_be_visible()
    look_here(page)
    glance(page, "/accounts/confirm-email/over/")


@pytest.mark.looks_at("account/signup_closed.html", "account_login", "account_signup")
def test_sign_up_and_sign_in_with_errors_and_closed(
    page: Page, picture_folder: Path | None, settings: LazySettings
) -> None:
    look(page, "sign-up", "/accounts/signup/", picture_folder)
    page.goto("/accounts/signup/")
    page.locator("input[name=username]").fill("ada lovelace")
    page.locator("input[name=email]").fill("ada@example.org")
    page.locator("input[name=password1]").fill("short")
    page.locator("input[name=password2]").fill("other")
    page.get_by_role("main").get_by_role("button").click()
    look_here(page)
    look(page, "sign-in", "/accounts/login/", picture_folder)
    page.goto("/accounts/login/")
    page.locator("input[name=login]").fill("nobody")
    page.locator("input[name=password]").fill("wrong")
    page.get_by_role("main").get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    look_here(page)

    settings.SIGNUP_OPEN = False
    look(page, "sign-up-closed", "/accounts/signup/", picture_folder)


def _link(pattern: str) -> str:
    """The address that the last mail carries, without the host."""
    found: Any = re.search(rf"https?://{pattern}", mail.outbox[-1].body)
    return str(found[1])
