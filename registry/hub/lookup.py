"""From the names in an address to what they mean for the caller, and how the gate answers."""

from dataclasses import dataclass

from registry.catalog import repositories, revisions, rights
from registry.catalog.models import Repository, Revision
from registry.errors import NotAllowed
from registry.hub import refusals
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.gate import Answer, Reason

WITHDRAWN = {Reason.SUSPENDED, Reason.RECALLED}


@dataclass(frozen=True)
class Found:
    """A revision that the caller may know of, with the gate's word on its bytes."""

    repository: Repository
    revision: Revision
    answer: Answer

    @property
    def is_open(self) -> bool:
        return self.answer.is_open


def repository(request: WireRequest, repo_id: str, kind: str) -> Repository:
    return repositories.find(repo_id, caller=request.caller, type=kind)


def writable(request: WireRequest, repo_id: str, kind: str) -> Repository:
    """The repository, if the caller may commit to it with this token."""
    found = repository(request, repo_id, kind)
    rights.require_write(found, request.caller)
    return found


def revision(request: WireRequest, repo_id: str, kind: str, name: str) -> Found:
    """A revision as `info` and `tree` of a download ask for it: withdrawn ones say why."""
    found = _look(request, repo_id, kind, name)
    if found.answer.reason in WITHDRAWN:
        gate.require(found.answer, found.repository)
    return found


def for_api(request: WireRequest, repo_id: str, kind: str, name: str = "main") -> Found:
    """The same for routes that no download uses: withdrawn is disabled."""
    found = _look(request, repo_id, kind, name)
    if found.answer.reason in WITHDRAWN:
        raise NotAllowed(refusals.DISABLED)
    return found


def _look(request: WireRequest, repo_id: str, kind: str, name: str) -> Found:
    where = repository(request, repo_id, kind)
    what = revisions.find(where, name, caller=request.caller)
    return Found(where, what, gate.decide(where, what, caller=request.caller))
