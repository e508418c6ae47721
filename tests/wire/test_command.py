"""The `hf` command as a person types it."""

from pathlib import Path

import pytest

from registry.accounts.models import User
from registry.storage.models import Xorb
from tests.factories import make_facts, make_user
from tests.wire.clients import Client, newest_python
from tests.wire.storages import in_each_storage
from tests.wire.test_round_trip import CARD, ClientOf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def python() -> Path:
    return newest_python()


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


@pytest.fixture
def client(client_of: ClientOf, ada: User) -> Client:
    return client_of(ada)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    (folder / "README.md").write_text(CARD)
    (folder / "sub" / "model.gguf").write_bytes(b"GGUF" + bytes(100_000))
    (folder / "notes.log").write_text("left out")
    (folder / ".gitignore").write_text("*.log\n")
    return folder


def test_upload_and_download_are_one_command_each(
    client: Client, source: Path, tmp_path: Path
) -> None:
    who = client.hf("auth", "whoami")
    up = client.hf("upload", "ada/tiny", str(source))
    again = client.hf("upload", "ada/tiny", str(source))
    down = client.hf("download", "ada/tiny", "--local-dir", str(tmp_path / "out"))

    assert (who.returncode, up.returncode, down.returncode) == (0, 0, 0), up.stderr + down.stderr
    assert "ada" in who.stdout
    assert "quarantine" in up.stderr
    assert "others get nothing yet" in up.stderr
    assert again.returncode == 0
    assert (tmp_path / "out/sub/model.gguf").read_bytes() == b"GGUF" + bytes(100_000)
    assert not (tmp_path / "out/notes.log").exists()


def test_a_branch_with_a_slash_can_be_uploaded_to_and_downloaded_from(
    client: Client, source: Path, tmp_path: Path
) -> None:
    assert client.hf("upload", "ada/tiny", str(source)).returncode == 0
    (source / "only-here.txt").write_text("x")

    up = client.hf("upload", "ada/tiny", str(source), "--revision", "feature/x")
    out = ["--local-dir", str(tmp_path / "out")]
    down = client.hf("download", "ada/tiny", "--revision", "feature/x", *out)

    assert (up.returncode, down.returncode) == (0, 0), up.stderr + down.stderr
    assert (tmp_path / "out/only-here.txt").read_text() == "x"
    assert "only-here.txt" not in client("list_repo_files", repo_id="ada/tiny")


def test_a_bad_token_and_a_missing_repository_get_a_sentence(client: Client, source: Path) -> None:
    missing = client.hf("download", "ada/none")
    client.environment["HF_TOKEN"] = "hf_unknown"
    bad = client.hf("upload", "ada/tiny", str(source))

    assert missing.returncode != 0
    assert "not found" in missing.stderr.lower()
    assert bad.returncode != 0
    assert "Invalid credentials in Authorization header" in bad.stderr


def test_a_bad_card_is_refused_before_anything_is_sent(client: Client, source: Path) -> None:
    (source / "README.md").write_text("---\nlicense: unheard-of\n---\n")

    done = client.hf("upload", "ada/tiny", str(source))

    assert done.returncode != 0
    assert "must be one of" in done.stderr
    assert client("list_repo_files", repo_id="ada/tiny") == [".gitattributes"]


@in_each_storage
def test_who_forbids_xet_uploads_by_lfs(client: Client, source: Path, tmp_path: Path) -> None:
    client.environment["HF_HUB_DISABLE_XET"] = "1"

    up = client.hf("upload", "ada/tiny", str(source))
    down = client.hf("download", "ada/tiny", "--local-dir", str(tmp_path / "out"))

    assert (up.returncode, down.returncode) == (0, 0), up.stderr + down.stderr
    assert (tmp_path / "out/sub/model.gguf").read_bytes() == b"GGUF" + bytes(100_000)
    assert not Xorb.objects.exists()
