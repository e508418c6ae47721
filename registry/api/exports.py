"""Taking rows away by a program: for stewards of the whole site, for publishers of theirs."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from registry.accounts.models import Namespace, NamespaceKind
from registry.agreements import exports
from registry.agreements.exports import Wanted
from registry.agreements.models import Document
from registry.api.addresses import repository_of
from registry.api.answers import CHANGING
from registry.api.authentication import ApiRequest, Token
from registry.api.shapes import Text
from registry.errors import Invalid, RepositoryMissing

router = Router(tags=["exports"])
Kind = Literal["acceptances", "requests", "grants", "endings", "adherences"]
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl; charset=utf-8"}


class Chosen(Schema):
    """Which rows, and in which form."""

    format: Literal["csv", "jsonl"] = "jsonl"
    since: datetime | None = Field(None, description="inclusive; without a zone it is UTC")
    until: datetime | None = Field(None, description="exclusive; without a zone it is UTC")
    personal: bool = Field(False, description="with names, addresses and what people wrote")


class ChosenOfSite(Chosen):
    repository: Text = Field("", description="`namespace/name`")
    organisation: Text = ""
    license: Text = Field("", description="the license's id, as in /licenses/ID")


@router.get(
    "/exports/{kind}",
    response={200: None, **CHANGING},
    auth=Token(),
    summary="Rows of the whole site as CSV or JSON lines, for stewards",
)
def of_site(request: ApiRequest, kind: Kind, chosen: Query[ChosenOfSite]) -> Any:
    """Streamed. Needs a steward's token of scope admin; a token for listed repositories gets
    theirs alone. The audit log keeps who took what."""
    wanted = Wanted(
        kind,
        repository=_repository(chosen.repository, request),
        organisation=_organisation(chosen.organisation),
        license=_license(chosen.license),
        **_plain(chosen),
    )
    return _file(exports.for_steward(wanted, by=request.auth), wanted)


@router.get(
    "/models/{namespace}/{name}/exports/{kind}",
    response={200: None, **CHANGING},
    auth=Token(),
    summary="The requests or grants of a repository, for those who decide about them",
)
def of_repository(
    request: ApiRequest, namespace: str, name: str, kind: Kind, chosen: Query[Chosen]
) -> Any:
    """Streamed. With `personal` it names people as far as the page of requests does."""
    repository = repository_of(namespace, name, caller=request.auth)
    wanted = Wanted(kind, repository=repository, **_plain(chosen))
    return _file(exports.for_publisher(wanted, by=request.auth), wanted)


def _plain(chosen: Chosen) -> dict[str, Any]:
    return {
        "format": chosen.format,
        "since": _moment(chosen.since),
        "until": _moment(chosen.until),
        "personal": chosen.personal,
    }


def _moment(at: datetime | None) -> datetime | None:
    if at is None or timezone.is_aware(at):
        return at
    return timezone.make_aware(at)


def _repository(full_name: str, request: ApiRequest) -> Any:
    if not full_name:
        return None
    namespace, _, name = full_name.partition("/")
    try:
        return repository_of(namespace, name, caller=request.auth)
    except RepositoryMissing as missing:
        raise Invalid("There is no such repository.") from missing


def _organisation(name: str) -> Namespace | None:
    if not name:
        return None
    found = Namespace.objects.filter(kind=NamespaceKind.ORGANISATION, name__iexact=name).first()
    if found is None:
        raise Invalid("There is no such organisation.")
    return found


def _license(slug: str) -> Document | None:
    if not slug:
        return None
    found = Document.objects.filter(slug=slug).first()
    if found is None:
        raise Invalid("There is no such license.")
    return found


def _file(texts: Iterator[str], wanted: Wanted) -> HttpResponseBase:
    response = StreamingHttpResponse(texts, content_type=TYPES[wanted.format])
    response["Content-Disposition"] = f'attachment; filename="{exports.file_name(wanted)}"'
    response["Cache-Control"] = "private, no-store"
    response["Vary"] = "Authorization"
    return response
