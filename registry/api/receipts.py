"""What the caller accepted, and the signed receipts of it."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Query, Router, Schema
from pydantic import Field

from registry.agreements import receipts
from registry.agreements.models import Acceptance, Receipt
from registry.api.answers import READING, Refusal
from registry.api.authentication import ApiRequest, Token
from registry.api.paging import Page, Paging, page_of
from registry.api.shapes import PublicId
from registry.errors import Missing
from registry.releases import agreed
from registry.releases.agreed import Agreed

router = Router(tags=["terms and access"])


class ReceiptSignature(Schema):
    algorithm: str
    key_id: str = Field(description="the first 24 hex digits of the SHA-256 of the public key")
    value: str = Field(description="hex, over the canonical JSON of `receipt`")


class ReceiptFile(Schema):
    """A receipt as its holder keeps it: canonical JSON, byte for byte."""

    receipt: dict[str, Any] = Field(description="what is signed")
    signature: ReceiptSignature
    disclosed: dict[str, Any] | None = Field(
        None, description="the words behind the digests; left out once they were erased"
    )


class AcceptedShape(Schema):
    acceptance: PublicId
    repository: str = Field(description="as it was called then, or empty without a receipt")
    repository_id: PublicId
    organisation: str = Field(description="for whom it was signed, or empty: for oneself")
    terms_hash: str
    accepted_at: datetime
    state: str = Field(
        description="`current` counts for what is released, `coming` once announced terms "
        "take effect, `older` does not, `ended` never again"
    )
    ended_at: datetime | None
    receipt: str = Field(description="the id of the receipt, or empty")


class AcceptedPage(Page):
    items: list[AcceptedShape]


@router.get(
    "/receipts/{receipt_id}",
    response={200: ReceiptFile, **READING},
    auth=Token(),
    summary="A receipt, as the file that verifies",
)
def one(request: ApiRequest, receipt_id: str) -> HttpResponse:
    """For who accepted, admins of the organisation that it was for, and stewards. Keep the bytes as
    they are: any other spelling of the same JSON does not verify."""
    found = Receipt.objects.visible_to(request.auth).filter(public_id=receipt_id).first()
    if found is None:
        raise Missing("There is no such receipt, or none that you may know of.")
    answer = HttpResponse(receipts.file_of(found), content_type="application/json")
    answer["Cache-Control"] = "private, no-store"
    answer["Vary"] = "Authorization"
    return answer


@router.get(
    "/acceptances",
    response={200: AcceptedPage, 401: Refusal, 422: Refusal},
    auth=Token(),
    summary="What the caller accepted, newest first",
)
def own(request: ApiRequest, paging: Query[Paging]) -> dict[str, Any]:
    """One's own acceptances, also those signed for an organisation."""
    found = Acceptance.objects.filter(user=request.auth.user)
    if request.auth.repositories is not None:
        found = found.filter(repository__public_id__in=request.auth.repositories)
    found = found.select_related("repository", "organisation", "receipt", "ending")
    now = timezone.now()
    return page_of(
        request,
        found.order_by("-accepted_at", "-pk"),
        paging,
        shape=lambda rows: [_shape(row) for row in agreed.states(rows, now=now)],
    )


def _shape(row: Agreed) -> dict[str, Any]:
    acceptance = row.acceptance
    receipt: Receipt | None = getattr(acceptance, "receipt", None)
    organisation = acceptance.organisation
    return {
        "acceptance": acceptance.public_id,
        "repository": receipt.body["repository"]["name"] if receipt else "",
        "repository_id": acceptance.repository.public_id,
        "organisation": organisation.name if organisation else "",
        "terms_hash": acceptance.terms_hash,
        "accepted_at": acceptance.accepted_at,
        "state": row.state,
        "ended_at": row.ending.at if row.ending else None,
        "receipt": receipt.public_id if receipt else "",
    }
