"""Whether the embedding has a row for every token id (TOK-VOCAB)."""

from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners import splits
from registry.checks.scanners.config import Model, models_of
from registry.checks.scanners.families import MLLAMA_ROWS, parts_of
from registry.checks.scanners.folder import Folder, Problem, joined

LEAST_USED = 0.8
EMBEDDING = "embed_tokens.weight"


def check(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        rows = rows_of(model)
        path, ids = _ids_in(folder, model.folder)
        if path and rows is not None:
            yield from _findings(path, ids, rows)
    for group in splits.groups_of(folder):
        headers = splits.headers_of(folder, group) or []
        embeddings = [each.tensors.get("token_embd.weight") for each in headers]
        rows = next((found.shape[-1] for found in embeddings if found is not None), None)
        tokens = headers[0].lengths.get("tokenizer.ggml.tokens") if headers else None
        if tokens and rows is not None and tokens > rows:
            yield _beyond(group.path, tokens - 1, rows)


def token_ids(tokenizer: Any) -> set[int]:
    """Every id of the vocabulary and of the added tokens of a tokenizer.json."""
    found: set[int] = set()
    if not isinstance(tokenizer, dict):
        return found
    model = tokenizer.get("model")
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if isinstance(vocabulary, dict):
        found |= {item for item in vocabulary.values() if type(item) is int}
    elif isinstance(vocabulary, list):
        found |= set(range(len(vocabulary)))
    added = tokenizer.get("added_tokens")
    for token in added if isinstance(added, list) else []:
        if isinstance(token, dict) and type(token.get("id")) is int:
            found.add(token["id"])
    return found


def rows_of(model: Model) -> int | None:
    """From the tensor itself where there is one, else as the configuration promises."""
    for name, (_, tensor) in (model.tensors or {}).items():
        if name.endswith(EMBEDDING) and len(tensor.shape) == 2:
            return tensor.shape[0]
    if model.is_family_alone:
        return None
    parts = parts_of(model.config or {})
    rows = parts.text.get("vocab_size") if parts else None
    if type(rows) is not int:
        return None
    return rows + MLLAMA_ROWS if parts and parts.kind.startswith("mllama") else rows


def _ids_in(folder: Folder, place: str) -> tuple[str, set[int]]:
    """The file that loaders take the vocabulary from, and its ids; no file where it cannot be read."""
    for name in ("tokenizer.json", "vocab.json"):
        path = joined(place, name)
        if path not in folder.by_path:
            continue
        try:
            value = folder.json(path)
            if name == "tokenizer.json":
                return path, token_ids(value)
            added = joined(place, "added_tokens.json")
            more = folder.json(added) if added in folder.by_path else {}
        except Problem:
            return "", set()
        both = [part for part in (value, more) if isinstance(part, dict)]
        return path, {item for part in both for item in part.values() if type(item) is int}
    return "", set()


def _findings(path: str, ids: set[int], rows: int) -> Iterator[Finding]:
    if not ids:
        yield block("TOK-VOCAB", f"{show(path)} holds no vocabulary.", file=path)
    elif min(ids) < 0:
        yield block("TOK-VOCAB", f"{show(path)} has the token id {min(ids)}.", file=path)
    elif max(ids) >= rows:
        yield _beyond(path, max(ids), rows)
    elif len(ids) < LEAST_USED * rows:
        yield warn(
            "TOK-VOCAB",
            f"{show(path)} uses {len(ids)} of the {rows} rows of the embedding.",
            file=path,
            value=len(ids),
            threshold=int(LEAST_USED * rows),
        )


def _beyond(path: str, highest: int, rows: int) -> Finding:
    return block(
        "TOK-VOCAB",
        f"{show(path)}: token id {highest}, but the embedding has {rows} rows.",
        file=path,
        value=highest,
        threshold=rows - 1,
    )
