"""One model through quarantine, release, terms and suspension, with the real client."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from registry.accounts.models import Role, User
from registry.audit.models import Access
from registry.catalog.models import Repository, Revision
from registry.releases import workflow
from registry.releases.models import Release
from tests.factories import (
    accept_terms,
    as_caller,
    finish_checks,
    make_facts,
    make_maintainer,
    make_member,
    make_organisation,
    make_user,
)
from tests.wire.clients import Client, ClientError
from tests.wire.storages import at_our_host, in_each_storage

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[..., Client]

CARD = "---\nlicense: cc\npipeline_tag: text-generation\n---\n# A model\n"
WEIGHTS = os.urandom(3_000_000)
FILES = {
    "README.md": CARD.encode(),
    "LICENSE": b"The text of a license.\n",
    "config.json": b'{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
    "model.safetensors": WEIGHTS,
    "empty.txt": b"",
    "original/sub dir/voc#ab?\u00e9.txt": b"odd names are names\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path / "source"


@pytest.fixture
def lab() -> User:
    """The owner of an organisation called lab."""
    make_facts()
    owner = make_user("ada")
    make_organisation("lab", owner=owner)
    return owner


def upload(client: Client, folder: Path, repo_id: str = "lab/tiny") -> Revision:
    client("create_repo", repo_id=repo_id, exist_ok=True)
    client("upload_folder", repo_id=repo_id, folder_path=str(folder))
    return Repository.objects.get(name=repo_id.split("/")[1]).refs.get(name="refs/heads/main").head


def release(revision: Revision) -> Release:
    finish_checks(revision)
    opened = workflow.open_release(
        revision, version="v1.0", by=as_caller(revision.repository.created_by)
    )
    return workflow.transition("approve", opened, by=as_caller(make_maintainer()))


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and ".cache" not in path.parts and ".huggingface" not in path.parts
    }


def refused(client: Client, kind: str, method: str, **arguments: object) -> str:
    """The message with which the client raises an exception of this kind."""
    with pytest.raises(ClientError) as caught:
        client(method, **arguments)
    assert kind in caught.value.kinds, caught.value
    return caught.value.message


@in_each_storage
def test_a_contributor_reads_back_from_quarantine_what_they_uploaded(
    client_of: ClientOf, folder: Path, lab: User, tmp_path: Path
) -> None:
    client = client_of(lab)

    upload(client, folder)
    client("snapshot_download", repo_id="lab/tiny", local_dir=str(tmp_path / "out"))

    downloaded = contents(tmp_path / "out")
    downloaded.pop(".gitattributes")
    assert downloaded == FILES


def test_uploading_the_same_again_makes_no_commit(
    client_of: ClientOf, folder: Path, lab: User
) -> None:
    client = client_of(lab)

    first = upload(client, folder)

    assert upload(client, folder) == first


def test_in_quarantine_a_model_does_not_exist_for_others(
    client_of: ClientOf, folder: Path, lab: User
) -> None:
    upload(client_of(lab), folder)
    reader = make_member(lab.memberships.get().namespace, Role.READ)

    for other in (client_of(None), client_of(make_user()), client_of(reader)):
        for method, arguments in {
            "model_info": {},
            "snapshot_download": {},
            "hf_hub_download": {"filename": "config.json"},
            "list_repo_files": {},
            "list_repo_refs": {},
        }.items():
            refused(other, "RepositoryNotFoundError", method, repo_id="lab/tiny", **arguments)
        assert other("list_models") == []


def test_before_the_terms_are_accepted_only_card_and_license_can_be_had(
    client_of: ClientOf, folder: Path, lab: User
) -> None:
    release(upload(client_of(lab), folder))

    for other in (client_of(None), client_of(make_user())):
        for filename in ("config.json", "model.safetensors", "no-such-file"):
            message = refused(
                other, "GatedRepoError", "hf_hub_download", repo_id="lab/tiny", filename=filename
            )
            assert f"{other.url}/lab/tiny/terms" in message
        refused(other, "GatedRepoError", "snapshot_download", repo_id="lab/tiny")
        for filename in ("README.md", "LICENSE"):
            path = other("hf_hub_download", repo_id="lab/tiny", filename=filename)
            assert Path(path).read_bytes() == FILES[filename]
        info = other("model_info", repo_id="lab/tiny", files_metadata=True)
        assert info["gated"] == "auto"
        assert [found["id"] for found in other("list_models", author="lab")] == ["lab/tiny"]


@in_each_storage
def test_with_the_terms_accepted_every_byte_arrives(
    client_of: ClientOf, folder: Path, lab: User, tmp_path: Path
) -> None:
    released = release(upload(client_of(lab), folder))
    reader = make_user()
    accept_terms(released, reader)
    client = client_of(reader, "read")

    client("snapshot_download", repo_id="lab/tiny", local_dir=str(tmp_path / "out"))
    part = client(
        "read_range", path="lab/tiny/model.safetensors", block=65536, start=1_000_000, length=5000
    )

    downloaded = contents(tmp_path / "out")
    downloaded.pop(".gitattributes")
    assert downloaded == FILES
    assert bytes.fromhex(part) == WEIGHTS[1_000_000:1_005_000]
    rows = Access.objects.filter(actor=reader.public_id, path="model.safetensors")
    assert {row.release_digest for row in rows} == {released.digest}
    assert rows.filter(first_byte=0, last_byte=len(WEIGHTS) - 1).exists()


@at_our_host
def test_a_store_under_our_own_host_name_is_sent_no_token(
    client_of: ClientOf, folder: Path, lab: User, tmp_path: Path
) -> None:
    """Clients follow a redirect to our own host name with their token, which a store refuses."""
    client = client_of(lab)
    revision = upload(client, folder)

    client("snapshot_download", repo_id="lab/tiny", local_dir=str(tmp_path / "out"))
    part = client("read_range", path="lab/tiny/model.safetensors", block=65536, start=7, length=9)

    assert contents(tmp_path / "out").items() >= FILES.items()
    assert bytes.fromhex(part) == WEIGHTS[7:16]
    rows = Access.objects.filter(revision=revision.oid, path="model.safetensors")
    assert rows
    assert not rows.filter(link_seconds__gt=0).exists()


def test_a_suspended_model_says_why(client_of: ClientOf, folder: Path, lab: User) -> None:
    released = release(upload(client_of(lab), folder))
    reader = make_user()
    accept_terms(released, reader)
    maintainer = make_maintainer()
    workflow.transition("suspend", released, by=as_caller(maintainer), reason="Weights are broken")

    client = client_of(reader)

    for method, arguments in {
        "hf_hub_download": {"filename": "config.json"},
        "snapshot_download": {},
    }.items():
        message = refused(client, "GatedRepoError", method, repo_id="lab/tiny", **arguments)
        assert "Weights are broken" in message
    message = refused(client, "HfHubHTTPError", "model_info", repo_id="lab/tiny")
    assert "Access to this resource is disabled." in message


@in_each_storage
def test_a_broken_download_goes_on_where_it_ended(
    client_of: ClientOf,
    folder: Path,
    lab: User,
    cutting: Callable[[int], str],
    settings: LazySettings,
) -> None:
    """The connection breaks after 15 MB; the client, which keeps pieces of 10, asks for the rest."""
    weights = os.urandom(25_000_000)
    (folder / "model.safetensors").write_bytes(weights)
    revision = upload(client_of(lab), folder)
    client = client_of(lab, through=cutting(15_000_000))
    wanted: dict[str, Any] = {"repo_id": "lab/tiny", "filename": "model.safetensors"}

    if not client.asks_for_the_rest:  # the part stays on the disk until it is asked again
        wanted |= {"resume_download": True} if client.is_oldest else {}
        refused(client, "Exception", "hf_hub_download", **wanted)
    path = client("hf_hub_download", **wanted)

    assert Path(path).read_bytes() == weights
    rows = Access.objects.filter(revision=revision.oid, path="model.safetensors")
    begun = sorted(row.first_byte for row in rows)
    if settings.DOWNLOADS == "s3":  # the rest is asked for by the link, or by a new one
        assert set(begun) == {0}
        assert all(row.link_seconds for row in rows)
        return
    first, second = begun
    assert first == 0
    assert 0 < second <= 15_000_000
