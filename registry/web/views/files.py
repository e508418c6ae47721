"""The files of a revision: folders, and files to look at. The gate decides on both."""

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from registry.catalog import files, history
from registry.catalog.files import FileEntry
from registry.catalog.models import Repository, Revision
from registry.errors import EntryMissing, GateClosed, RevisionMissing
from registry.releases import gate
from registry.releases.gate import Answer
from registry.web import file_preview, file_tree, file_verdicts, headers, lookup, standing
from registry.web.requests import CallerRequest, text_in


@require_safe
def tree(
    request: CallerRequest, namespace: str, name: str, revision: str = "main", path: str = ""
) -> HttpResponse:
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    context = _context(request, repository, shown, path)
    answer = context["here"].answer
    if answer.is_open or answer.reason is gate.Reason.PARTIAL:
        try:
            page, rows = file_tree.page_of(
                repository,
                shown,
                path,
                answer=answer,
                run=context["here"].run,
                caller=request.caller,
                number=text_in(request.GET, "page"),
                sort=text_in(request.GET, "sort"),
            )
        except EntryMissing as refusal:
            raise Http404(str(refusal)) from refusal
        if path and not rows:
            raise Http404("Nothing of this folder is open to this visitor.")
        sort = text_in(request.GET, "sort")
        context |= {"page": page, "rows": rows}
        context["sort"] = sort if sort in file_tree.SORTS else "name"
        context["places"] = file_tree.places_of(repository, caller=request.caller)
        context["name_asked"] = revision
    return render(request, "repository/files.html", context)


@require_safe
def commit(request: CallerRequest, namespace: str, name: str, revision: str) -> HttpResponse:
    """Where clients send people after an upload: the files of that revision."""
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    return redirect("repository-tree", namespace, name, shown.oid)


@require_safe
def blob(
    request: CallerRequest, namespace: str, name: str, revision: str, path: str
) -> HttpResponse:
    """One file: its facts, its way out, and what can be seen of it without getting it."""
    repository = lookup.repository_or_404(request, namespace, name)
    shown = lookup.revision_or_404(request, repository, revision)
    context = _context(request, repository, shown, path)
    try:
        entry, answer = gate.open_file(repository, shown, path, caller=request.caller)
    except GateClosed:
        return render(request, "repository/files.html", context, status=403)
    except (EntryMissing, RevisionMissing) as refusal:
        raise Http404(str(refusal)) from refusal
    context |= {
        "file": entry,
        "is_picture": file_preview.is_picture(path),
        "preview_max": file_preview.PREVIEW_MAX,
        "last": history.last_changes(repository, shown, [path], caller=request.caller).get(path),
        "resolve_url": request.build_absolute_uri(
            f"/{repository.place}/{repository.name}/resolve/{shown.oid}/{quote(path)}"
        ),
        "verdict": file_verdicts.of(context["here"].run).of_file(path),
        "findings": file_verdicts.findings(context["here"].run, path, by=request.caller),
    }
    if request.method == "GET":
        context |= _seen(request, repository, shown, entry, answer)
    return render(request, "repository/blob.html", context)


def _seen(
    request: CallerRequest,
    repository: Repository,
    revision: Revision,
    file: FileEntry,
    answer: Answer,
) -> dict[str, Any]:
    """What the page shows of the content. Whatever it takes from a file is in the access log."""
    wanted = {
        "query": text_in(request.GET, "q"),
        "dtype": text_in(request.GET, "dtype", limit=20),
        "number": text_in(request.GET, "page"),
        "at": text_in(request.GET, "at", limit=512),
    }
    if headers.has_header(file.path):
        tensors = file_preview.header_of(file, **wanted)
        if tensors.header is not None:
            _note(request, repository, revision, file, answer, tensors.header.length)
        return {"tensors": tensors, "metadata": tensors.metadata}
    seen: dict[str, Any] = {}
    if headers.is_index(file.path):
        seen = _index(request, repository, revision, file, wanted)
        _note(request, repository, revision, file, answer, file.size)
    text = file_preview.text_of(
        file,
        as_source=text_in(request.GET, "view") == "source",
        files_url=f"/{repository.place}/{repository.name}/blob/{revision.oid}",
        at=wanted["at"],
    )
    if text is not None and not seen:
        _note(request, repository, revision, file, answer, file.size)
    return seen | {"text": text}


def _index(
    request: CallerRequest,
    repository: Repository,
    revision: Revision,
    file: FileEntry,
    wanted: dict[str, str],
) -> dict[str, Any]:
    """What an index says of its shards, with the headers of those that are open to the visitor."""
    index = file_preview.index_of(file)
    if isinstance(index, str):
        return {"index_problem": index}
    whole = gate.decide(repository, revision, caller=request.caller)
    there = files.at(revision, index.shards)
    opened: dict[str, Answer] = {}
    for path in index.shards:
        if whole.is_open:
            opened[path] = whole
        elif whole.reason is gate.Reason.PARTIAL and path in there:
            answer = gate.decide(repository, revision, caller=request.caller, path=path)
            if answer.is_open:
                opened[path] = answer
    shards = [one for path in opened if isinstance(one := there.get(path), FileEntry)]
    tensors, read = file_preview.shards_of(
        [one for one in shards if headers.has_header(one.path)], **wanted
    )
    for shard, length in read:
        _note(request, repository, revision, shard, opened[shard.path], length)
    by_path = {shard.path: shard for shard in shards}
    rows = [
        {"path": path, "tensors": count, "file": by_path.get(path), "is_open": path in opened}
        for path, count in index.shards.items()
    ]
    return {
        "index": index,
        "metadata": index.metadata,
        "shards": rows,
        "shards_read": len(read),
        "tensors": tensors,
    }


def _note(
    request: CallerRequest,
    repository: Repository,
    revision: Revision,
    file: FileEntry,
    answer: Answer,
    length: int,
) -> None:
    gate.note_access(
        file,
        answer,
        repository=repository,
        revision=revision,
        caller=request.caller,
        first_byte=0,
        last_byte=max(length - 1, 0),
    )


def _context(
    request: CallerRequest, repository: Repository, shown: Revision, path: str
) -> dict[str, Any]:
    here = standing.of(repository, caller=request.caller, revision=shown)
    if here is None:
        raise Http404("Nothing of this repository is released.")
    parts = [part for part in path.split("/") if part]
    crumbs = [("/".join(parts[: i + 1]), part) for i, part in enumerate(parts)]
    return {
        "here": here,
        "repository": repository,
        "tab": "files",
        "revision": shown,
        "path": path,
        "crumbs": crumbs,
    }
