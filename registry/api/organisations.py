"""What was signed for an organisation: its register, and joining as a member."""

from datetime import datetime
from typing import Any

from ninja import Query, Router, Schema, Status
from pydantic import Field

from registry.accounts import members
from registry.agreements import organisations, register
from registry.agreements.models import Acceptance
from registry.agreements.register import Cover, Row
from registry.api.addresses import repository_of
from registry.api.answers import CHANGING, READING, Refusal
from registry.api.authentication import ApiRequest, Token
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId, Text, Wanted

router = Router(tags=["organisations"])


class CoverShape(Schema):
    """A member, and what covers them."""

    user: str
    is_service: bool
    by: str = Field(description="signatory, joined, service, or empty: not covered")
    since: datetime | None


class SignatureShape(Schema):
    """One acceptance for the organisation."""

    id: PublicId
    repository: str = Field(description="`namespace/name`, or empty: you may not know of it")
    terms_hash: str
    documents: list[str]
    signatory: str
    accepted_at: datetime
    receipt: str = Field(description="the id of its receipt, or empty")
    state: str = Field(description="in force, or ended")
    ended_at: datetime | None
    members: list[CoverShape]


class RegisterPage(Page):
    items: list[SignatureShape]


class RegisterPaging(Paging):
    limit: int = Field(20, ge=1, le=100)


class AdhereBody(Wanted):
    repository: Text = Field(description="`namespace/name` of what was signed for")
    terms_hash: Text = Field(description="the `hash` of the terms as they were shown to you")


class AdherenceShape(Schema):
    acceptance: PublicId
    terms_hash: str
    organisation: str
    at: datetime


@router.get(
    "/organisations/{name}/register",
    response={200: RegisterPage, 422: Refusal, **READING},
    auth=Token(),
    summary="What was signed for an organisation, and who is covered by it",
)
def read(request: ApiRequest, name: str, paging: Query[RegisterPaging]) -> dict[str, Any]:
    """For its admins and for stewards, with a token of scope admin."""
    found = members.find(name, caller=request.auth)
    signed = register.signatures(found, caller=request.auth)

    def shape(rows: list[Acceptance]) -> list[dict[str, Any]]:
        return [_signature(row) for row in register.rows(rows, found, caller=request.auth)]

    return page_of(request, signed, paging, shape=shape)


@router.post(
    "/organisations/{name}/adherences",
    response={201: AdherenceShape, **CHANGING},
    auth=Token(),
    summary="Join, as a member, what was signed for the organisation",
)
def adhere(request: ApiRequest, name: str, wanted: AdhereBody) -> Any:
    """Needs a token of scope write. The hash says which terms you read; a second time gives the
    first adherence. Service accounts are covered without it."""
    found = members.find(name, caller=request.auth)
    namespace, _, repository_name = wanted.repository.partition("/")
    repository = repository_of(namespace, repository_name, caller=request.auth)
    signature = organisations.signature_of(found, repository, wanted.terms_hash)
    adherence = organisations.adhere(signature, by=request.auth)
    return Status(
        201,
        {
            "acceptance": signature.public_id,
            "terms_hash": signature.terms_hash,
            "organisation": found.name,
            "at": adherence.at,
        },
    )


def _signature(row: Row) -> dict[str, Any]:
    return {
        "id": row.acceptance.public_id,
        "repository": row.repository,
        "terms_hash": row.acceptance.terms_hash,
        "documents": row.documents,
        "signatory": row.acceptance.user.username,
        "accepted_at": row.acceptance.accepted_at,
        "receipt": row.receipt,
        "state": row.state,
        "ended_at": row.ended_at,
        "members": [_cover(cover) for cover in row.covered + row.uncovered],
    }


def _cover(cover: Cover) -> dict[str, Any]:
    return {
        "user": cover.user.username,
        "is_service": cover.user.is_service,
        "by": cover.by,
        "since": cover.since,
    }
