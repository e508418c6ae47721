"""The checks of a revision: live while they run, and their report."""

from typing import Any

from ninja import Router, Status
from pydantic import Field

from registry.accounts import permissions
from registry.accounts.permissions import Permission
from registry.api.addresses import repository_of
from registry.api.answers import ANYBODY, CHANGING
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.shapes import ChecksShape, OverrideShape, Text, Wanted
from registry.catalog import revisions
from registry.catalog.models import Repository, Revision
from registry.checks import overrides, reports, runs
from registry.checks.models import CheckRun, Override
from registry.errors import EntryMissing, NotNow
from registry.releases import evidence, gate

router = Router(tags=["checks"])
ADDRESS = "/models/{namespace}/{name}/checks/{revision}"
NOT_STARTED = "not_started"


@router.get(
    ADDRESS,
    response={200: ChecksShape, **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="The checks of a revision: state, verdict, findings, report",
)
def read(request: ApiRequest, namespace: str, name: str, revision: str) -> dict[str, Any]:
    """`revision` is a commit id, a branch or a tag. Live while the checks run."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revisions.find(repository, revision, caller=request.auth)
    return _shape(request, repository, found, runs.latest(found))


@router.post(
    f"{ADDRESS}/rerun",
    response={202: ChecksShape, **CHANGING},
    auth=Token(),
    summary="Run all checks of a revision again",
)
def rerun(request: ApiRequest, namespace: str, name: str, revision: str) -> Any:
    """For those who may write the repository where checks could not be completed, and for site
    maintainers whatever the verdict was."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revisions.find(repository, revision, caller=request.auth)
    run = runs.rerun(found, by=request.auth)
    return Status(202, _shape(request, repository, found, run))


class CancelBody(Wanted):
    reason: Text = Field("", max_length=500, description="shown with the verdict")


@router.post(
    f"{ADDRESS}/cancel",
    response={200: ChecksShape, **CHANGING},
    auth=Token(),
    summary="Cancel the checks of a revision that wait or run",
)
def cancel(
    request: ApiRequest, namespace: str, name: str, revision: str, wanted: CancelBody
) -> dict[str, Any]:
    """For those who may write the repository, and site maintainers. The verdict is `error`, which
    is no pass; the checks can be run again."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revisions.find(repository, revision, caller=request.auth)
    run = runs.latest(found)
    if run is None:
        raise NotNow("The checks of this revision have not started.")
    runs.cancel(run, by=request.auth, reason=wanted.reason)
    return _shape(request, repository, found, runs.latest(found))


@router.get(
    f"{ADDRESS}/attestation",
    response={200: dict[str, Any], **ANYBODY},
    auth=caller_of,
    openapi_extra=OPTIONAL_TOKEN,
    summary="The signed statement about the checks of a revision",
)
def attestation(request: ApiRequest, namespace: str, name: str, revision: str) -> dict[str, Any]:
    """An in-toto statement in a DSSE envelope, for those who may have the files: it holds the
    SHA-256 of each."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revisions.find(repository, revision, caller=request.auth)
    run = runs.latest(found)
    answer = gate.decide(repository, found, caller=request.auth)
    statement = evidence.attestation_for(run, answer) if run else None
    if statement is None:
        raise EntryMissing("There is no statement that you may have.")
    return statement


class OverrideBody(Wanted):
    check: Text = Field(max_length=32, description="the id of the check that blocks")
    reason: Text = Field(description="in writing, 20 to 2000 characters")


@router.post(
    f"{ADDRESS}/overrides",
    response={201: OverrideShape, **CHANGING},
    auth=Token(),
    summary="Override a check that blocks, as one of two maintainers",
)
def override(
    request: ApiRequest, namespace: str, name: str, revision: str, wanted: OverrideBody
) -> Any:
    """Only checks of the stages weights, text, run and lineage; neither of the two is an author.
    Bound to exactly these files, and no approval."""
    repository = repository_of(namespace, name, caller=request.auth)
    run = runs.latest(revisions.find(repository, revision, caller=request.auth))
    if run is None:
        raise NotNow("The checks of this revision have not started.")
    made = overrides.override(run, wanted.check, reason=wanted.reason, by=request.auth)
    return Status(201, _override(made))


@router.post(
    f"{ADDRESS}/overrides/{{override_id}}/withdraw",
    response={200: OverrideShape, **CHANGING},
    auth=Token(),
    summary="Withdraw an override",
)
def withdraw(
    request: ApiRequest, namespace: str, name: str, revision: str, override_id: str
) -> dict[str, Any]:
    """For site maintainers, whoever wrote it."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revisions.find(repository, revision, caller=request.auth)
    made = found.overrides.select_related("by").filter(public_id=override_id).first()
    if made is None or not permissions.may(request.auth, Permission.REVIEW, repository.namespace):
        raise EntryMissing("There is no such override.")
    overrides.withdraw(made, by=request.auth)
    return _override(made)


def _override(made: Override) -> dict[str, Any]:
    return {
        "id": made.public_id,
        "check": made.check_id,
        "by": made.by.username,
        "reason": made.reason,
        "at": made.created_at,
    }


def _shape(
    request: ApiRequest, repository: Repository, revision: Revision, run: CheckRun | None
) -> dict[str, Any]:
    answer = gate.decide(repository, revision, caller=request.auth)
    report = evidence.report_for(run, answer, by=request.auth) if run else None
    return {
        "repository": repository.full_name,
        "revision": revision.oid,
        "run": run.public_id if run else "",
        "state": run.state if run else NOT_STARTED,
        "verdict": run.verdict if run else "",
        "findings": report["findings"] if report else [],
        "progress": reports.progress_of(run, by=request.auth) if run else None,
        "overrides": _overrides(request, repository, revision),
        "report": report,
        "url": request.build_absolute_uri(f"{repository.get_absolute_url()}/checks/{revision.oid}"),
    }


def _overrides(
    request: ApiRequest, repository: Repository, revision: Revision
) -> list[dict[str, Any]]:
    """For those who see what is in quarantine: a reason may tell of what is not released."""
    if not revisions.sees_quarantine(repository, request.auth):
        return []
    return [_override(made) for made in overrides.of(revision)]
