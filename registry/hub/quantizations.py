"""Which file of a model `llama-cli -hf name:tag` means: llama.cpp names quantizations, not files."""

import posixpath
import re
from typing import Any

from django.http import HttpResponse

from registry.catalog import files
from registry.catalog.files import FileEntry
from registry.errors import Invalid
from registry.hub import lookup, wire
from registry.hub.wire import WireRequest

LATEST = "latest"
# What llama.cpp means where nobody names one: small, and hardly worse than the original
PREFERRED = ("Q4_K_M", "Q4_0", "Q8_0")
_LATER_PART = re.compile(r"-(?!00001-of-)\d{5}-of-\d{5}\.gguf$")


@wire.endpoint("GET")
def manifest(request: WireRequest, repo_id: str, tag: str) -> HttpResponse:
    """GET /v2/{id}/manifests/{tag}: which file has a quantization of a GGUF repository"""
    found = lookup.for_api(request, repo_id, "model")
    parts = [one for one in files.files_of(found.revision) if one.path.lower().endswith(".gguf")]
    first = [one for one in parts if not _LATER_PART.search(one.path)]
    projectors = [one for one in first if _name(one).startswith("mmproj")]
    models = [one for one in first if one not in projectors]
    answer: dict[str, Any] = {"ggufFile": _described(_meant(models, tag))}
    if projectors:
        answer["mmprojFile"] = _described(projectors[0])
    return wire.json_answer(answer)


def _meant(models: list[FileEntry], tag: str) -> FileEntry:
    for wanted in PREFERRED if tag == LATEST else (tag,):
        for one in models:
            if re.search(rf"(?<![a-z0-9]){re.escape(wanted.lower())}(?![a-z0-9_])", _name(one)):
                return one
    if tag == LATEST and models:
        return models[0]
    known = ", ".join(sorted(one.path for one in models)[:20]) or "none"
    raise Invalid(f"No GGUF file of this model is called {tag[:40]!r}. Its GGUF files: {known}.")


def _name(file: FileEntry) -> str:
    return posixpath.basename(file.path).lower()


def _described(file: FileEntry) -> dict[str, Any]:
    return {"rfilename": file.path, "size": file.size, "blobId": file.oid}
