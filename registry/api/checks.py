"""The checks of a revision: live while they run, and their report."""

from typing import Any

from ninja import Router, Status
from pydantic import Field

from registry.api.addresses import repository_of
from registry.api.answers import ANYBODY, CHANGING
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, Token, caller_of
from registry.api.shapes import ChecksShape, Text, Wanted
from registry.catalog import revisions
from registry.catalog.models import Repository, Revision
from registry.checks import reports, runs
from registry.checks.models import CheckRun
from registry.errors import NotNow
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


def _shape(
    request: ApiRequest, repository: Repository, revision: Revision, run: CheckRun | None
) -> dict[str, Any]:
    answer = gate.decide(repository, revision, caller=request.auth)
    report = evidence.report_for(run, answer) if run else None
    return {
        "repository": repository.full_name,
        "revision": revision.oid,
        "run": run.public_id if run else "",
        "state": run.state if run else NOT_STARTED,
        "verdict": run.verdict if run else "",
        "findings": report["findings"] if report else [],
        "progress": reports.progress_of(run) if run else None,
        "report": report,
        "url": request.build_absolute_uri(f"{repository.get_absolute_url()}/checks/{revision.oid}"),
    }
