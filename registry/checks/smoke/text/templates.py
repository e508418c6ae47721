"""The chat templates of a model, and their text for a conversation, which a helper renders."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.checks.smoke import aside
from registry.checks.smoke.text.samples import ONE, Message

SECONDS = 5
MEMORY_MIB = 512
# A repository may bring templates for tools or for search beside the one for conversations.
MOST = 4
DEFAULT = "default"


@dataclass
class Template:
    """`name` is "default" for the one that a plain conversation gets. Remembers what it rendered."""

    name: str
    text: str
    special: dict[str, Any] = field(default_factory=dict)
    in_parts: bool = False
    _seen: dict[str, str | aside.NoAnswer] = field(default_factory=dict)
    _end: aside.Gone | None = None

    @property
    def is_first(self) -> bool:
        return self.name == DEFAULT

    def render(
        self,
        conversation: list[Message],
        *,
        tools: list[dict[str, Any]] | None = None,
        header: bool = False,
        again: bool = False,
    ) -> str:
        """The text, or aside.NoAnswer: within time, memory and size.

        A template that cost a helper once is not given another."""
        if self._end:
            raise self._end
        key = json.dumps([conversation, tools, header, self.in_parts])
        if again or key not in self._seen:
            self._seen[key] = self._tried(conversation, tools, header)
        found = self._seen[key]
        if isinstance(found, aside.NoAnswer):
            raise found
        return found

    def _tried(
        self, conversation: list[Message], tools: list[dict[str, Any]] | None, header: bool
    ) -> str | aside.NoAnswer:
        if self.in_parts:
            conversation = [_in_parts(message) for message in conversation]
        try:
            return str(
                aside.call(
                    "render",
                    seconds=SECONDS,
                    memory_mib=MEMORY_MIB,
                    template=self.text,
                    messages=conversation,
                    tools=tools,
                    header=header,
                    special=self.special,
                )
            )
        except aside.NoAnswer as problem:
            if isinstance(problem, aside.Gone):
                self._end = problem
            return problem


def templates_of(tokenizer: Any, folder: Path) -> list[Template]:
    """The one for conversations comes first."""
    said = getattr(tokenizer, "chat_template", None) or _of_processor(folder)
    if not isinstance(said, Mapping):
        said = {DEFAULT: said} if said else {}
    names = sorted(said, key=lambda name: (name != DEFAULT, name))[:MOST]
    special = {
        name: value
        for name, value in tokenizer.special_tokens_map.items()
        if isinstance(value, str | list)
    }
    found = [Template(name, said[name], special) for name in names if isinstance(said[name], str)]
    for template in found:
        template.in_parts = _wants_parts(template)
    return found


def file_of(folder: Path, *, otherwise: str) -> str:
    """The file that findings about the template name."""
    for name in ("chat_template.jinja", "chat_template.json", "tokenizer_config.json"):
        place = folder / name
        if place.is_file() and (name.startswith("chat") or '"chat_template"' in place.read_text()):
            return name
    return otherwise


def _of_processor(folder: Path) -> Any:
    """Models that see pictures keep their template beside the processor."""
    place = folder / "chat_template.json"
    if not place.is_file():
        return None
    said = json.loads(place.read_text())
    return said.get("chat_template") if isinstance(said, dict) else None


def _wants_parts(template: Template) -> bool:
    """Some take messages as lists of texts and pictures alone, and lose or refuse plain text."""
    word = ONE[0]["content"]
    try:
        if word in template.render(ONE):
            return False
    except aside.NoAnswer:
        pass
    try:
        template.in_parts = True
        return word in template.render(ONE)
    except aside.NoAnswer:
        return False
    finally:
        template.in_parts = False


def _in_parts(message: Message) -> Message:
    if not isinstance(message["content"], str):
        return message
    return {**message, "content": [{"type": "text", "text": message["content"]}]}
