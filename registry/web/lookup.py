"""Finding what an address means. What is not there, or not for this visitor, is a 404 alike."""

from django.http import Http404

from registry.accounts.callers import Caller
from registry.catalog import repositories, revisions
from registry.catalog.models import Repository, RepositoryType, Revision
from registry.errors import Moved, RepositoryMissing, RevisionMissing
from registry.web.requests import CallerRequest


def repository_or_404(
    request: CallerRequest, namespace: str, name: str, *, caller: Caller | None = None
) -> Repository:
    """`namespace` as addresses have it: after the prefix of a type that is not model. With `caller`
    it is for that one, whoever asks."""
    prefix, slash, namespace_name = namespace.rpartition("/")
    kind = prefix.removesuffix("s") if slash else RepositoryType.MODEL
    try:
        return repositories.find(
            f"{namespace_name}/{name}", caller=caller or request.caller, type=kind
        )
    except Moved:
        raise  # the middleware sends the visitor on
    except RepositoryMissing as refusal:
        raise Http404(str(refusal)) from refusal


def revision_or_404(request: CallerRequest, repository: Repository, name: str) -> Revision:
    try:
        return revisions.find(repository, name, caller=request.caller)
    except RevisionMissing as refusal:
        raise Http404(str(refusal)) from refusal
