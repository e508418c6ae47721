"""What the helpers do: render a template, time a tokenizer, run llama.cpp. Each may hang, or end the helper."""

from time import process_time
from typing import Any

from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

from registry.checks.smoke import native

LONGEST = 256 * 1024

_tokenizers: list[Tokenizer] = []


def render(
    *,
    template: str,
    messages: list[dict[str, Any]],
    tools: list[dict[str, Any]] | None,
    header: bool,
    special: dict[str, Any],
) -> str:
    """The text of this conversation, by the library's own sandboxed environment."""
    made = render_jinja_template(
        conversations=[messages],
        tools=list(tools) if tools is not None else None,
        chat_template=template,
        add_generation_prompt=header,
        **special,
    )
    text: str = made[0][0]
    if len(text) > LONGEST or len(text.encode(errors="replace")) > LONGEST:
        raise ValueError(f"it makes more than {LONGEST // 1024} KiB of text")
    return text


def open_tokenizer(*, path: str = "", text: str = "") -> int:
    """Keep this tokenizer for `seconds_for`; how many tokens it has."""
    found = Tokenizer.from_file(path) if path else Tokenizer.from_str(text)
    _tokenizers[:] = [found]
    return int(found.get_vocab_size())


def seconds_for(*, text: str) -> float:
    """Processor time, which says the same on a busy machine."""
    started = process_time()
    _tokenizers[0].encode(text)
    return process_time() - started


def follow(**asked: Any) -> dict[str, Any]:
    """What llama.cpp finds likely after each beginning of a text."""
    return native.follow(**asked)
