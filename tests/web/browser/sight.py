"""Which pages there are, and which of them a test looked at."""

from typing import Any
from urllib.parse import urlsplit

from django.test.signals import template_rendered
from django.urls import URLResolver, get_resolver, resolve

# Answers in the place of a page: templates, as no address is their own
STAND_INS = {
    "account/signup_closed.html",
    "contribute/no_editor.html",
    "errors/403.html",
    "errors/404.html",
    "errors/500.html",
    "errors/csrf.html",
    "uploads/closed.html",
    "uploads/too_large.html",
}
# What is read with GET and is no page
NO_PAGES = {
    "for programs": {
        "advisory-entry",
        "alive",
        "key",
        "look-up-base",
        "metrics",
        "ready",
        "receipt-file",
        "repository-picture",
        "rescan-report",
        "robots",
        "sitemap",
    },
    "feeds": {"advisory-atom", "advisory-feed", "feed-datasets", "feed-models", "feed-namespace"},
    "files to keep": {
        "access-report",
        "license-text",
        "organisation-register",
        "repository-attestation",
        "repository-report",
    },
    "leads elsewhere": {"repository-commit"},
    "no account of this site comes to it": {
        "account_confirm_login_code",  # codes by mail are not offered
        "account_email",  # ours, "addresses", answers there
        "account_inactive",  # leads to the sign-in page
        "account_reauthenticate",  # asked by nothing that is offered
        "account_set_password",  # everybody has one
    },
}
_seen: set[str] = set()
_rendered: set[str] = set()


def forget() -> None:
    """Begin a test."""
    _seen.clear()
    _rendered.clear()


def seen() -> set[str]:
    return set(_seen)


def note(url: str) -> None:
    """What a browser shows at this address is looked at."""
    stand_ins = _rendered & STAND_INS
    _rendered.clear()
    _seen.update(stand_ins or {resolve(urlsplit(url).path).view_name})


def pages() -> set[str]:
    """All that people read: the addresses that answer GET with a page, and what stands in for one."""
    return (read() | STAND_INS).difference(*NO_PAGES.values())


def read() -> set[str]:
    """The names of all addresses of ours that answer GET."""
    return {name for name, view in _views(get_resolver()) if "GET" in _methods(view)}


def _views(resolver: URLResolver) -> list[tuple[str, Any]]:
    """Ours for people and those of accounts; not the entrances for programs."""
    found = []
    for one in resolver.url_patterns:
        if isinstance(one, URLResolver):
            found += _views(one)
        elif one.name and one.callback.__module__.startswith(("registry.web.", "allauth.account.")):
            found.append((one.name, one.callback))
    return found


def _methods(view: Any) -> set[str]:
    """What a view answers, as its decorators say; all where none does."""
    while view is not None:
        names = view.__code__.co_freevars if hasattr(view, "__code__") else ()
        if "request_method_list" in names:
            return set(view.__closure__[names.index("request_method_list")].cell_contents)
        view = getattr(view, "__wrapped__", None)
    return {"GET", "POST"}


def _on_render(sender: Any, template: Any, **rest: Any) -> None:
    if template.name:
        _rendered.add(template.name)


template_rendered.connect(_on_render, dispatch_uid="sight")
