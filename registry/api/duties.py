"""The duties that a model has by the licenses it comes from, with what meets each."""

from typing import Any

from ninja import Router

from registry.api.addresses import repository_of, revision_of
from registry.api.answers import ANYBODY
from registry.api.authentication import OPTIONAL_TOKEN, ApiRequest, caller_of
from registry.api.shapes import DutiesShape, Text
from registry.releases import duties, mending

router = Router(tags=["releases"])


@router.get(
    "/models/{namespace}/{name}/duties",
    response={200: DutiesShape, **ANYBODY},
    auth=caller_of,
    summary="Duties of a model",
    openapi_extra=OPTIONAL_TOKEN,
)
def read(request: ApiRequest, namespace: str, name: str, revision: Text = "") -> Any:
    """Each rule about the model with its verdict, and the fixes that the site offers to make."""
    repository = repository_of(namespace, name, caller=request.auth)
    found = revision_of(repository, revision, caller=request.auth)
    results = duties.told(duties.of_revision(found))
    return {
        "revision": found.oid,
        "holds": any(one.holds for one in results),
        "duties": results,
        "asked_at_download": duties.asked_at_download(found),
        "fixes": mending.plan(found),
    }
