"""The shapes that several operations take or give."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Schema
from pydantic import AfterValidator, ConfigDict, Field


def _storable(text: str) -> str:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("it has a character in it that cannot be stored")
    return text


Text = Annotated[str, AfterValidator(_storable)]
PublicId = Annotated[str, Field(description="24 hex digits, never reused")]


class Wanted(Schema):
    """A body that a caller sends. A misspelt field is an error and not ignored."""

    model_config = ConfigDict(extra="forbid")


class ReleaseShape(Schema):
    """A release as lists give it."""

    id: PublicId
    repository: str = Field(description="`namespace/name` as it is called today")
    repository_id: PublicId
    revision: str = Field(description="the commit id, 40 hex digits")
    branch: str
    version: str
    status: str
    notes: str
    digest: str = Field(
        description="SHA-256 over repository id, version, manifest digest and terms hash"
    )
    manifest_digest: str
    terms_hash: str
    opened_by: str
    opened_at: datetime
    due_at: datetime
    released_at: datetime | None
    reason: str = Field(description="the reason given for the last step, where there is one")
    url: str


class DecisionShape(Schema):
    kind: str
    by: str
    reason: str
    digest: str = Field(description="what exactly was decided about")
    acknowledged: list[str] = Field(description="checks whose warnings were ticked off")
    conflicts: list[str] = Field(description="conflicts of interest that the decider knew of")
    at: datetime
    counts: bool = Field(description="False for an approval of what the release no longer says")


class ChecklistShape(Schema):
    id: PublicId
    text: str
    of_site: bool = Field(description="whether the site asks it of every release")
    ticked: bool = Field(description="whether the caller did, of the release as it is now")


class ClaimShape(Schema):
    reviewer: str
    given_by: str
    at: datetime
    expires_at: datetime


class ReleaseDetail(ReleaseShape):
    """A release with what was decided, what stands in its way, and what the caller may do."""

    approvals: int | None = Field(
        description="null for a reviewer who still has to look for themselves"
    )
    approvals_needed: int
    decisions: list[DecisionShape]
    holds: list[str] = Field(description="what stands between it and release, a sentence each")
    warnings: list[str] = Field(description="checks whose warnings an approver has to tick off")
    steps: list[str] = Field(description="the steps that this caller may take now")
    checklist: list[ChecklistShape] = Field(
        description="what an approver has to have looked at; for maintainers"
    )
    interests: list[str] = Field(
        description="the caller's own conflicts of interest; for maintainers"
    )
    claims: list[ClaimShape] = Field(description="who works on its review; for maintainers")


class OriginShape(Schema):
    """A model that another comes from."""

    repository: str = Field(description="its id, where everybody may know of it, or empty")
    name: str = Field(description="as a card writes it")


class AttestationShape(Schema):
    """What whoever accepts has to state about themselves."""

    id: str
    kind: str = Field(description="region: their country; users: how many an organisation has")
    license: str = Field(description="the short name of the license that asks")
    version_sha256: str
    clause: str = Field(description="what the license says, in the site's words")
    countries: list[str] = Field(
        [], description="ISO 3166-1 codes of those that are shut out, of kind region"
    )
    limit: int | None = Field(None, description="the highest number of users, of kind users")
    measured_at: str = Field("", description="the day before whose month they are counted")


class LineageShape(Schema):
    """What the card declares of the models that this one comes from, as it stands now."""

    parents: list[OriginShape]
    ancestors: list[OriginShape] = Field(description="parents included, the nearest first")
    unknown: list[str] = Field(description="declared names that lead nowhere here")
    has_circle: bool
    is_cut: bool = Field(description="whether more is declared than is followed")


class DocumentShape(Schema):
    """One document of a set of terms, in one version."""

    title: str
    kind: str
    version: str
    sha256: str
    why: str = Field(description="why it is part of the set")
    inherited_from: list[OriginShape] = Field(
        [], description="the models that bring it along; empty where the model's own card does"
    )
    unverified: bool = Field(
        False, description="whether only the tag of a card says so: a base is not known here"
    )
    needs_acceptance: bool
    official_url: str
    url: str
    text: str | None = Field(description="the exact text, where the site holds one")
    summary: dict[str, Any] = Field(description="the facts in the site's words")


class ComingShape(Schema):
    """The set that a release comes under next; accepting it early works by its hash."""

    hash: str
    effective_at: datetime
    kind: str = Field(description="material: everybody is asked again; editorial: it carries over")
    note: str = Field(description="what changes, in a steward's words")
    terms: dict[str, Any] = Field(description="the whole set, as it will be shown and hashed")


class TermsShape(Schema):
    """The terms of one revision of a repository."""

    repository: str
    repository_id: PublicId
    revision: str
    release: str = Field(description="version label of the release, or empty: not released yet")
    hash: str = Field(description="send it back as `terms_hash` to accept exactly this set")
    needs_acceptance: bool
    accepted: bool = Field(description="whether the caller accepted exactly this set")
    acceptance: str = Field(description="the id of the caller's acceptance, or empty")
    problem: str = Field(description="why nothing can be released under it, or empty")
    documents: list[DocumentShape]
    prompt: dict[str, Any] | None = Field(
        None, description="what the publisher shows and asks, or null"
    )
    attestations: list[AttestationShape] = Field(
        [], description="what whoever accepts has to state about themselves"
    )
    terms: dict[str, Any] = Field(
        description="the whole set as it is pinned: its SHA-256 as canonical JSON is `hash`"
    )
    coming: ComingShape | None = Field(None, description="what a campaign brings next, or null")
    lineage: LineageShape
    license_link: str = Field("", description="where the card says that the license is, or empty")
    url: str


class DutyShape(Schema):
    """What one rule says of the model, for one license that it comes from."""

    rule: str
    title: str
    verdict: str = Field(description="pass, block, review or warn")
    severity: str
    basis: str
    clause: str = Field(description="the duty in our words; not legal advice")
    clause_number: str
    license: str = Field(description="the license that asks for it, or empty")
    license_version: str
    words: str = Field(description="what is missing, and where it was looked for")
    fix: str
    is_verified: bool = Field(description="false where only the card's own license tag says so")
    path: list[str] = Field(description="the models at the top of the lineage that it comes from")
    holds: bool = Field(description="whether a release waits for it")


class FixShape(Schema):
    """What would meet a duty; the page of the duties makes those that have a path."""

    id: str
    path: str
    words: str
    rules: list[str]
    problem: str = Field(description="why it cannot be made here, or empty")


class DutiesShape(Schema):
    revision: str
    holds: bool
    duties: list[DutyShape]
    asked_at_download: list[DutyShape]
    fixes: list[FixShape]


class AcceptanceShape(Schema):
    acceptance: PublicId
    terms_hash: str
    accepted_at: datetime
    receipt: PublicId


class RuleShape(Schema):
    """One rule of the gate and what it says."""

    id: str = Field(description="stays the same; see docs/access.md")
    title: str
    outcome: str = Field(description="opens, met, closes or not-asked")
    words: str
    next_url: str = Field(description="where to go on, or empty")
    decides: bool = Field(description="whether the answer is this rule's")


class AccessShape(Schema):
    """The gate's answer, the same that a download would get now."""

    is_open: bool
    reason: str
    message: str
    next_url: str
    repository: str
    revision: str
    path: str
    release: str
    rules: list[RuleShape] = Field(description="every rule that was asked, in order")


class OverrideShape(Schema):
    """One maintainer's reason why a block need not hold a revision; two of them lift it."""

    id: PublicId
    check: str
    by: str
    reason: str
    at: datetime


class ChecksShape(Schema):
    """The checks of a revision: live while they run, and with their whole report once they ended."""

    repository: str
    revision: str
    run: str = Field(description="the id of the run, or empty where none was started")
    state: str = Field(description="queued, running, finished, or not_started")
    verdict: str = Field(description="passed, warned, blocked or error; empty while checks run")
    findings: list[dict[str, Any]]
    progress: dict[str, Any] | None = Field(description="how far each job is")
    overrides: list[OverrideShape] = Field(
        description="of maintainers, for those who write or review"
    )
    report: dict[str, Any] | None = Field(description="the report of schema 1, as far as it is")
    url: str
