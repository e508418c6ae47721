"""Finding what an address means. What is not there, or not for this visitor, is a 404 alike."""

from django.http import Http404

from registry.catalog import repositories, revisions
from registry.catalog.models import Repository, Revision
from registry.errors import RepositoryMissing, RevisionMissing
from registry.web.requests import CallerRequest


def repository_or_404(request: CallerRequest, namespace: str, name: str) -> Repository:
    try:
        return repositories.find(f"{namespace}/{name}", caller=request.caller)
    except RepositoryMissing as refusal:
        raise Http404(str(refusal)) from refusal


def revision_or_404(request: CallerRequest, repository: Repository, name: str) -> Revision:
    try:
        return revisions.find(repository, name, caller=request.caller)
    except RevisionMissing as refusal:
        raise Http404(str(refusal)) from refusal
