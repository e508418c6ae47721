"""Whether the embedding has a row for every id that the library gives out (TOK-VOCAB)."""

from collections.abc import Iterator

from registry.checks.findings import Finding, block, warn
from registry.checks.smoke.text.subject import Subject

LEAST_USED = 0.8


def check(subject: Subject) -> Iterator[Finding]:
    ids = set(subject.tokenizer.get_vocab().values())
    rows = subject.rows
    if rows is None or not ids:
        return
    if max(ids) >= rows:
        yield block(
            "TOK-VOCAB",
            f"Token id {max(ids)}, but the embedding has {rows} rows.",
            file=subject.file,
            value=max(ids),
            threshold=rows - 1,
        )
    # Of a tokenizer.json the scan has counted them.
    elif subject.file != "tokenizer.json" and len(ids) < LEAST_USED * rows:
        yield warn(
            "TOK-VOCAB",
            f"The tokenizer uses {len(ids)} of the {rows} rows of the embedding.",
            file=subject.file,
            value=len(ids),
            threshold=int(LEAST_USED * rows),
        )
