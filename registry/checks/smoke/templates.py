"""Whether the tokenizer fits the model and its chat template works (TOK-VOCAB, TPL-RENDER)."""

import signal
from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, block, show, warn
from registry.checks.smoke.texts import CONVERSATIONS

SECONDS = 5
LONGEST = 256 * 1024


class TookTooLong(Exception):
    pass


def check(tokenizer: Any, *, rows: int | None, file: str) -> Iterator[Finding]:
    """`rows` are those of the embedding, or None where the ids were compared before."""
    highest = max(tokenizer.get_vocab().values(), default=-1)
    if highest < 0:
        yield block("TOK-LOAD", "The tokenizer cannot be loaded: it has no tokens.", file=file)
    elif rows is not None and highest >= rows:
        yield block(
            "TOK-VOCAB",
            f"Token id {highest}, but the embedding has {rows} rows.",
            file=file,
            value=highest,
            threshold=rows - 1,
        )
    if not getattr(tokenizer, "chat_template", None):
        return
    for number, (name, messages) in enumerate(CONVERSATIONS):
        if why := _failure(tokenizer, messages):
            find = block if number == 0 else warn
            yield find("TPL-RENDER", f"The template fails on {name}: {show(why)}.", file=file)


def rendered(tokenizer: Any, messages: list[dict[str, str]]) -> str:
    """The text that the template makes of these messages, within time and size, or an exception."""
    previous = signal.signal(signal.SIGALRM, _stop)
    signal.alarm(SECONDS)
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)
    if not isinstance(text, str) or len(text) > LONGEST:
        raise ValueError(f"it makes more than {LONGEST // 1024} KiB of text")
    return text


def _failure(tokenizer: Any, messages: list[dict[str, str]]) -> str | None:
    try:
        rendered(tokenizer, messages)
    except TookTooLong:
        return f"it takes longer than {SECONDS} seconds"
    except MemoryError:
        return "it needs too much memory"
    # The template is a program of the author: it may raise anything.
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _stop(*_: object) -> None:
    raise TookTooLong
