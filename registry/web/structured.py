"""What search engines and link previews are told of a page: schema.org, from what it shows anyway."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from registry.accounts.models import NamespaceKind
from registry.catalog import cards
from registry.catalog.models import RepositoryType, Visibility
from registry.web.standing import Standing

CONTEXT = "https://schema.org"
MAX_KEYWORDS = 30
MAX_BASES = 10


def site(request: HttpRequest) -> dict[str, Any]:
    """The site, and how it is searched."""
    home = request.build_absolute_uri(reverse("catalog"))
    return {
        "@context": CONTEXT,
        "@type": "WebSite",
        "name": settings.SITE_NAME,
        "url": home,
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": f"{home}?q={{search_term_string}}"},
            "query-input": "required name=search_term_string",
        },
    }


def repository(request: HttpRequest, here: Standing) -> dict[str, Any]:
    """A model or a dataset, as the revision shown says it."""
    shown, repository = here.shown, here.repository
    release, owner = here.public_release, repository.namespace
    is_organisation = owner.kind == NamespaceKind.ORGANISATION
    said = {
        "@context": CONTEXT,
        "@type": "Dataset" if repository.type == RepositoryType.DATASET else "CreativeWork",
        "name": repository.full_name,
        "url": request.build_absolute_uri(repository.get_absolute_url()),
        "identifier": repository.public_id,
        "description": description(here),
        "creator": {
            "@type": "Organization" if is_organisation else "Person",
            "name": owner.name,
            "url": request.build_absolute_uri(reverse("namespace", args=[owner.name])),
        },
        "dateCreated": repository.created_at.isoformat(),
        "version": release.version if release else "",
        "datePublished": release.released_at.isoformat() if release and release.released_at else "",
        "license": _licenses(request, here),
        "inLanguage": [str(code) for code in cards.as_list(shown.card.get("language"))][:20],
        "keywords": [str(tag) for tag in cards.as_list(shown.card.get("tags"))][:MAX_KEYWORDS],
        "isBasedOn": [str(base) for base in cards.as_list(shown.card.get("base_model"))][
            :MAX_BASES
        ],
        "interactionStatistic": [
            _counted("DownloadAction", repository.downloads),
            _counted("LikeAction", repository.likes),
        ],
    }
    return {key: value for key, value in said.items() if value}


def description(here: Standing) -> str:
    """One line for people who see a link to it."""
    card = here.shown.card
    parts = [
        str(card.get("pipeline_tag") or here.repository.type),
        *(f"{name}" for name in cards.as_list(card.get("license"))[:2]),
        *(f"from {base}" for base in cards.as_list(card.get("base_model"))[:1]),
    ]
    if here.public_release is not None:
        parts.append(here.public_release.version)
    return " · ".join(parts)


def picture(here: Standing) -> str:
    """Where the picture is that a preview of a link shows; nothing where only some may know of the
    repository, since who makes previews signs in nowhere."""
    repository = here.repository
    if repository.visibility != Visibility.PUBLIC or not (here.public or here.withdrawn):
        return ""
    return reverse("repository-picture", args=[repository.place, repository.name])


def _licenses(request: HttpRequest, here: Standing) -> list[str]:
    return [
        one if isinstance(one, str) else request.build_absolute_uri(one.get_absolute_url())
        for one in here.licenses
    ]


def _counted(action: str, count: int) -> dict[str, Any]:
    return {
        "@type": "InteractionCounter",
        "interactionType": f"{CONTEXT}/{action}",
        "userInteractionCount": count,
    }
