"""How texts and names are made alike before they are compared, by the words of the data."""

import re
from collections.abc import Callable, Iterable

_COPYRIGHT = re.compile(r"\(c\)", re.IGNORECASE)

STEPS: dict[str, Callable[[str], str]] = {
    "collapse white space": lambda text: " ".join(text.split()),
    "treat (c) and © alike": lambda text: _COPYRIGHT.sub("©", text),
    "lower case": str.lower,
    "drop every character that is not a letter or a digit": lambda text: "".join(
        char for char in text if char.isalnum()
    ),
}


def apply(steps: Iterable[str], text: str) -> str:
    for step in steps:
        text = STEPS[step](text)
    return text
