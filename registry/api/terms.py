"""The terms of a repository, accepting them, and why a caller may or may not download."""

from typing import Any

from ninja import Router, Status
from pydantic import Field

from registry.accounts.models import Namespace
from registry.agreements import linked, organisations
from registry.agreements import terms as terms_of
from registry.agreements.models import Capacity, DocumentVersion
from registry.api.addresses import repository_of, revision_of
from registry.api.answers import ANYBODY, CHANGING
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.shapes import AcceptanceShape, AccessShape, TermsShape, Text, Wanted
from registry.catalog import files, lineage
from registry.catalog.lineage import Ancestry
from registry.catalog.models import Repository, Revision
from registry.errors import Missing
from registry.releases import campaigns, gate, in_force, offers, why
from registry.releases.models import WAS_RELEASED, Release

router = Router(tags=["terms and access"])


class AcceptBody(Wanted):
    terms_hash: Text = Field(description="the `hash` of the terms that were shown")
    typed_name: Text = Field(description="the name of the person who accepts")
    capacity: Capacity = Capacity.SELF
    organisation: Text = Field(
        "", description="the name of the organisation that the caller signs for, or empty"
    )
    answers: dict[Text, Text | bool] = Field(
        {}, description="to the publisher's questions, by label; true for what is ticked"
    )
    country: Text = Field(
        "", description="where the terms ask for it: domicile or place of business, ISO 3166-1"
    )
    attested: dict[Text, bool] = Field(
        {}, description="the other statements by id, and `authority` to sign for an organisation"
    )
    version: Text = Field("", description="the release that is meant; without it the current one")


@router.get(
    "/models/{namespace}/{name}/terms",
    response={200: TermsShape, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="The terms of a repository, with their hash",
)
def read(request: ApiRequest, namespace: str, name: str, revision: Text = "") -> dict[str, Any]:
    """Of `revision`, or of what `main` means for the caller: the set that its release is under, or
    before release the set that it would be under. Texts are readable without access."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revision_of(repository, revision, caller=request.auth)
    release = Release.objects.filter(revision=found, status__in=WAS_RELEASED).first()
    accepted, problem = None, ""
    if release is not None:
        terms = in_force.of(release).terms
        accepted = offers.acceptance_of(release, caller=request.auth)
        ancestry = lineage.of_revision(found)
    else:
        proposed = terms_of.of_revision(repository, found)
        terms, problem, ancestry = proposed.as_json(), proposed.problem, proposed.ancestry
    return {
        "repository": repository.full_name,
        "repository_id": repository.public_id,
        "revision": found.oid,
        "release": release.version if release else "",
        "hash": terms_of.hash_of(terms),
        "needs_acceptance": terms["needs_acceptance"],
        "accepted": accepted is not None,
        "acceptance": accepted.public_id if accepted else "",
        "problem": problem,
        "documents": [
            _document(request, item, version)
            for item, version in zip(terms["documents"], terms_of.versions_in(terms), strict=True)
        ],
        "prompt": terms.get("prompt"),
        "attestations": terms.get("attestations") or [],
        "terms": terms,
        "coming": _coming(release),
        "lineage": _lineage(ancestry),
        "license_link": linked.link_in(found.card),
        "url": request.build_absolute_uri(f"{repository.get_absolute_url()}/terms"),
    }


@router.post(
    "/models/{namespace}/{name}/terms/accept",
    response={201: AcceptanceShape, **CHANGING},
    auth=Token(),
    summary="Accept the terms that are in force",
)
def accept(request: ApiRequest, namespace: str, name: str, wanted: AcceptBody) -> Any:
    """Stores exactly what was shown: another hash than the one in force is refused, and nothing
    is stored. Needs a person's token of scope write. A second time gives the first acceptance."""
    repository = repository_of(namespace, name, caller=request.auth)
    acceptance = offers.accept(
        repository,
        shown_hash=wanted.terms_hash,
        typed_name=wanted.typed_name,
        capacity=wanted.capacity,
        organisation=_organisation(request, wanted.organisation),
        answers=wanted.answers,
        country=wanted.country,
        attested=wanted.attested,
        version=wanted.version,
        by=request.auth,
    )
    return Status(
        201,
        {
            "acceptance": acceptance.public_id,
            "terms_hash": acceptance.terms_hash,
            "accepted_at": acceptance.accepted_at,
            "receipt": acceptance.receipt.public_id,
        },
    )


def _organisation(request: ApiRequest, name: str) -> Namespace | None:
    """The organisation of this name in which the caller is a member."""
    if not name or request.auth.user is None:
        return None
    found = organisations.of(request.auth.user).filter(name__iexact=name).first()
    if found is None:
        raise Missing("There is no such organisation, or none that you are a member of.")
    return found


@router.get(
    "/models/{namespace}/{name}/access",
    response={200: AccessShape, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="Whether the caller may download, or why not and what to do next",
)
def access(
    request: ApiRequest, namespace: str, name: str, revision: Text = "", path: Text = ""
) -> dict[str, Any]:
    """The answer that a download would get now. Asking downloads nothing and is not recorded."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revision_of(repository, revision, caller=request.auth)
    answer = _answer(request, repository, found, path)
    rules = why.explain(repository, found, caller=request.auth, path=path).rules
    return {
        "is_open": answer.is_open,
        "reason": answer.reason,
        "message": answer.message,
        "next_url": request.build_absolute_uri(answer.next_url) if answer.next_url else "",
        "repository": repository.full_name,
        "revision": found.oid,
        "path": path,
        "release": answer.release.version if answer.release else "",
        "rules": [
            {
                "id": rule.id,
                "title": rule.title,
                "outcome": rule.outcome,
                "words": rule.words,
                "next_url": request.build_absolute_uri(rule.next_url) if rule.next_url else "",
                "decides": rule.decides,
            }
            for rule in rules
        ],
    }


def _answer(
    request: ApiRequest, repository: Repository, revision: Revision, path: str
) -> gate.Answer:
    if not path:
        return gate.decide(repository, revision, caller=request.auth)
    answer = gate.decide_file(repository, revision, path, caller=request.auth)
    if answer.is_open:
        files.find(revision, path)
    return answer


def _coming(release: Release | None) -> dict[str, Any] | None:
    change = campaigns.coming(release) if release is not None else None
    if change is None:
        return None
    return {
        "hash": change.terms_hash,
        "effective_at": change.from_at,
        "kind": change.campaign.kind,
        "note": change.campaign.note,
        "terms": change.terms,
    }


def _document(
    request: ApiRequest, item: dict[str, Any], version: DocumentVersion
) -> dict[str, Any]:
    return {
        "title": item["title"],
        "kind": item["kind"],
        "version": item["version"],
        "sha256": item["sha256"],
        "why": item["why"],
        "inherited_from": item.get("inherited_from") or [],
        "unverified": bool(item.get("unverified")),
        "needs_acceptance": item["needs_acceptance"],
        "official_url": item["official_url"],
        "url": request.build_absolute_uri(version.document.get_absolute_url()),
        "text": version.words if version.has_text else None,
        "summary": version.summary,
    }


def _lineage(ancestry: Ancestry) -> dict[str, Any]:
    return {
        "parents": terms_of.origins(ancestry.parents),
        "ancestors": terms_of.origins(ancestry.ancestors),
        "unknown": list(ancestry.unknown),
        "has_circle": ancestry.has_circle,
        "is_cut": ancestry.is_cut,
    }
