"""Gated repositories, and people who ask for them."""

from typing import Any

from registry.accounts.models import User
from registry.agreements import requests
from registry.agreements.models import AccessRequest
from registry.agreements.requests import Shown
from registry.catalog import questions
from registry.catalog.models import Gated, Repository
from registry.releases.models import Release
from tests import factories

OPEN_CARD = "---\nlicense: apache-2.0\n---\n# A model\n"
ASKING_CARD = (
    "---\nlicense: apache-2.0\nextra_gated_fields:\n  Affiliation: text\n"
    "  Purpose:\n    type: select\n    options: [research, {label: Other things, value: other}]\n"
    "  I agree: checkbox\n---\n# A model\n"
)
ANSWERS = {"Affiliation": "ACME", "Purpose": "other", "I agree": True}


def make_gated(mode: str = Gated.MANUAL, *, card: str = OPEN_CARD, **rest: Any) -> Release:
    """A release whose publisher has a lock on it. Its terms ask nothing unless the card's license
    does: the policy of the site is left out."""
    files = {"README.md": card, "model.safetensors": b"weights of the model"}
    release = factories.make_released(files=files, **rest)
    if "apache-2.0" in card:
        terms = release.terms | {"needs_acceptance": False}
        Release.objects.filter(pk=release.pk).update(terms=terms)
        release.refresh_from_db()
    set_mode(release.repository, mode)
    return release


def set_mode(repository: Repository, mode: str) -> None:
    Repository.objects.filter(pk=repository.pk).update(gated=mode)
    repository.gated = mode


def ask(
    repository: Repository, user: User, *, card: dict[str, Any] | None = None, **answers: Any
) -> AccessRequest:
    shown = Shown(questions.of_card(card or {}), answers)
    return requests.ask(repository, by=factories.as_caller(user), shown=shown, terms_are_open=True)


def owner_of(repository: Repository) -> Any:
    return factories.as_caller(repository.created_by)
