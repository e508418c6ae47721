"""From the names in an address to what they mean for the caller, and how the gate answers."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

from registry.accounts.callers import Caller
from registry.catalog import repositories, revisions, rights
from registry.catalog.models import Repository, Revision
from registry.discussions import threads
from registry.discussions.models import Discussion
from registry.errors import DiscussionMissing, NotAllowed
from registry.hub import refusals
from registry.hub.wire import WireRequest
from registry.releases import gate
from registry.releases.gate import Answer, Reason

NUMBER = re.compile(r"[1-9][0-9]{0,8}")
WITHDRAWN = {Reason.SUSPENDED, Reason.RECALLED}


@dataclass(frozen=True)
class Found:
    """A revision that the caller may know of, with the gate's word on its bytes."""

    repository: Repository
    revision: Revision
    answer: Answer
    caller: Caller

    @cached_property
    def hashes(self) -> Collection[str] | None:
        """The SHA-256 of files that the caller may see; None for all of the revision."""
        return gate.hashes_shown(self.repository, self.revision, self.answer, caller=self.caller)

    def shows(self, sha256: str) -> bool:
        return self.hashes is None or sha256 in self.hashes


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


def may_see(where: Repository, what: Revision, caller: Caller) -> bool:
    """Whether the revision exists for the caller."""
    return Revision.objects.visible_to(caller).filter(repository=where, pk=what.pk).exists()


def _look(request: WireRequest, repo_id: str, kind: str, name: str) -> Found:
    where = repository(request, repo_id, kind)
    what = revisions.find(where, name, caller=request.caller)
    answer = gate.decide(where, what, caller=request.caller)
    return Found(where, what, answer, request.caller)


def discussion(request: WireRequest, repo_id: str, kind: str, number: str) -> Discussion:
    """A discussion or pull request, if the caller may know of it."""
    where = repository(request, repo_id, kind)
    if not NUMBER.fullmatch(number):
        raise DiscussionMissing("Discussion not found")
    return threads.find(where, int(number), caller=request.caller)
