"""A license file that the `hf` command uploads, as a steward sees it."""

from pathlib import Path

import pytest

from registry.agreements import documents, texts
from registry.agreements.models import FoundText
from tests.factories import as_caller, make_facts, make_user
from tests.wire.clients import newest_python
from tests.wire.test_round_trip import CARD, ClientOf

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = b"Sample License 1\n\nYou may use the copies, and pass them on.\n"


@pytest.fixture
def python() -> Path:
    return newest_python()


def test_an_uploaded_license_is_found_and_recognised_once_taken(
    client_of: ClientOf, tmp_path: Path
) -> None:
    make_facts()
    client = client_of(make_user("ada"))
    (tmp_path / "README.md").write_text(CARD)
    (tmp_path / "LICENSE").write_bytes(TEXT)

    assert client.hf("upload", "ada/tiny", str(tmp_path)).returncode == 0

    (found,) = texts.waiting()
    by = as_caller(make_user("stella", site_role="steward"))
    made = texts.take(found, slug="llama3-1", version="3.1", by=by)
    assert (bytes(made.text or b""), made.source["path"]) == (TEXT, "LICENSE")

    (tmp_path / "license.md").write_bytes(TEXT.upper())
    assert client.hf("upload", "ada/tiny", str(tmp_path)).returncode == 0

    assert FoundText.objects.get(path="license.md").version == made
    assert documents.recognise(TEXT) == made
