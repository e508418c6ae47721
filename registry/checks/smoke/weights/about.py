"""What the files beside the weights say that a judgement of the weights depends on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.checks.findings import ModelFile
from registry.checks.scanners import gguf, strict_json, tokens
from registry.checks.scanners.folder import Problem

# Where nobody says how many tokens there are, so many of a hundred rows may belong to none.
UNKNOWN_SPARE = 100


@dataclass(frozen=True)
class About:
    """`trained` is how many token ids stand for text, None where that is not known."""

    config: dict[str, Any] = field(default_factory=dict)
    trained: int | None = None

    @property
    def declares_float16(self) -> bool:
        parts = (self.config, self._text)
        said = {part.get(key) for part in parts for key in ("dtype", "torch_dtype")}
        return "float16" in {str(value).removeprefix("torch.") for value in said if value}

    @property
    def ties_embeddings(self) -> bool:
        own = self._text.get("tie_word_embeddings")
        return bool(self.config.get("tie_word_embeddings") if own is None else own)

    @property
    def _text(self) -> dict[str, Any]:
        part = self.config.get("text_config", self.config)
        return part if isinstance(part, dict) else {}

    def spare_rows(self, rows: int) -> int:
        """Rows of an embedding that may well be zero: of no token, of special ones, or of padding."""
        if self.trained is None:
            return rows // UNKNOWN_SPARE + 1
        return max(rows - self.trained, 0) + 1


def about(folder: Path, paths: Sequence[Path]) -> About:
    for path in paths:
        if path.name.endswith(".gguf"):
            return About(trained=_trained_of_gguf(path))
    config = _json(folder / "config.json")
    tokenizer = _json(folder / "tokenizer.json")
    return About(
        config if isinstance(config, dict) else {},
        None if tokenizer is None else _trained(tokenizer),
    )


def _trained(tokenizer: Any) -> int | None:
    """Special tokens may have been set aside for later: models are published with rows of zeros there."""
    ids = tokens.token_ids(tokenizer)
    added = tokenizer.get("added_tokens") if isinstance(tokenizer, dict) else None
    special = {
        token.get("id")
        for token in (added if isinstance(added, list) else [])
        if isinstance(token, dict) and token.get("special") is True
    }
    return len(ids - special) or None


def _trained_of_gguf(path: Path) -> int | None:
    header = gguf.header_of(ModelFile(path.name, path.stat().st_size, "", path))
    count = header.lengths.get("tokenizer.ggml.tokens")
    return None if count is None else count - count // UNKNOWN_SPARE


def _json(path: Path) -> Any:
    """The value in the file, or None where there is none: the scan has judged it."""
    try:
        raw = path.read_bytes()
        return strict_json.parse(raw, max_bytes=strict_json.limit_of(path.name))
    except (OSError, Problem, json.JSONDecodeError):
        return None
