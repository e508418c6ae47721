"""What duties are judged by is read once, and only so much of it."""

import pytest

from registry.releases import situations
from tests import factories

pytestmark = pytest.mark.django_db


def test_however_many_texts_there_are_only_so_much_is_read():
    texts = {f"LICENSES/{number:02}": f"{number} {'word ' * 20_000}" for number in range(45)}
    texts |= {"README.md": factories.CARD, "NOTICE": "a notice", "notes.txt": "some notes"}
    revision = factories.make_revision(files=texts)

    held = situations.of_revision(revision).files

    assert sum(len(one.text) for one in held.values() if one.text) <= situations.MOST_BYTES
    assert held["LICENSES/44"].text is None
    assert held["LICENSES/00"].normalised
    assert held["README.md"].text
    assert (held["NOTICE"].text, held["NOTICE"].normalised) == ("a notice", "")
