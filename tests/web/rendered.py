"""Forms as a browser would send them: what the page rendered, and what a person typed or clicked."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

CLICKED = {"checkbox", "radio"}
SENT_WHEN_CLICKED = {"submit", "button", "image", "reset"}


@dataclass
class RenderedForm:
    action: str
    values: dict[str, str] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)

    def filled(self, **typed: str) -> dict[str, str]:
        """What is sent, where only fields that the form has can be typed into."""
        assert typed.keys() <= self.names, typed.keys() - self.names
        return self.values | typed


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[RenderedForm] = []
        self._form: RenderedForm | None = None
        self._area = ""
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = RenderedForm(has.get("action", ""))
            self.forms.append(self._form)
        if self._form is None:
            return
        name = has.get("name", "")
        if tag in {"input", "textarea", "select"} and name:
            self._form.names.add(name)
        if tag == "input" and name and has.get("type") not in SENT_WHEN_CLICKED:
            if has.get("type") not in CLICKED or "checked" in has:
                self._form.values[name] = has.get("value", "")
        elif tag == "textarea":
            self._area = name
            self._form.values[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and ("selected" in has or self._select not in self._form.values):
            self._form.values[self._select] = has.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._form is not None and self._area:
            self._form.values[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "textarea":
            self._area = ""


def form_to(page: str, action: str) -> RenderedForm:
    """The one form of the page that is sent to this address ("" is the page's own)."""
    reader = _Reader()
    reader.feed(page)
    (found,) = [form for form in reader.forms if form.action == action]
    return found
