"""Models that somebody picks in a list to compare them: the address of the list keeps them."""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from registry.web.compared_models import FEWEST, MOST

# As long as the name of a model can be, with its namespace
MAX_NAME = 200


@dataclass(frozen=True)
class Picks:
    """Names as they were sent: the page of the comparison says which of them are known. `is_cut`
    says that more were picked than fit beside each other."""

    names: tuple[str, ...] = ()
    is_cut: bool = False

    @property
    def is_full(self) -> bool:
        return len(self.names) >= MOST

    @property
    def can_compare(self) -> bool:
        return len(self.names) >= FEWEST and not self.is_cut

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [("m", name) for name in self.names]

    @property
    def query(self) -> str:
        return urlencode(self.pairs, safe="/")

    @property
    def comparison(self) -> str:
        return f"{reverse('compare-models')}?{self.query}"

    def without(self, name: str) -> "Picks":
        return Picks(tuple(one for one in self.names if one != name))


def of(sent: Iterable[str]) -> Picks:
    """The first five of what an address names."""
    names = [one.replace("\0", "").strip()[:MAX_NAME] for one in sent]
    distinct = list(dict.fromkeys(name for name in names if name))
    return Picks(tuple(distinct[:MOST]), is_cut=len(distinct) > MOST)
