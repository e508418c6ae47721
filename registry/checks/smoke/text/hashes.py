"""What makes two tokenizers the same: their vocabulary, their merges and their added tokens."""

import hashlib
import json
from typing import Any


def of(tokenizer: Any) -> dict[str, Any]:
    """Digests of the three, in a form that does not depend on how a file was written."""
    vocabulary = tokenizer.get_vocab()
    merges = json.loads(tokenizer.backend_tokenizer.to_str())["model"].get("merges") or []
    added = [
        [number, token.content, token.special, token.lstrip, token.rstrip, token.normalized]
        for number, token in sorted(tokenizer.added_tokens_decoder.items())
    ]
    return {
        "vocab": _digest(sorted(vocabulary.items())),
        "merges": _digest([item.split(" ") if isinstance(item, str) else item for item in merges]),
        "added": _digest(added),
        "size": len(vocabulary),
    }


def text(template: str) -> str:
    return hashlib.sha256(template.encode(errors="surrogatepass")).hexdigest()


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, separators=(",", ":")).encode()).hexdigest()
