"""Names that people give to files and branches, through the real client and through curl."""

import base64
import subprocess
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from registry.accounts.models import User
from registry.catalog import branches, files
from registry.catalog.models import Repository, Revision
from tests.factories import as_caller, make_facts, make_token, make_user
from tests.wire.clients import Client, ClientError

pytestmark = pytest.mark.django_db(transaction=True)
ClientOf = Callable[..., Client]

BRANCH = "feature/x+y#1%20é"
ODD = [
    "a b.txt",
    "voc#ab?.txt",
    "100%.txt",
    "%2F.txt",
    "a%20b.txt",
    "x+y&z=1;2.txt",
    'd\'eux "q".txt',
    "data:1|2<3>*.txt",  # minded by Windows alone
    "模型/权重 🙂.txt",
    unicodedata.normalize("NFC", "nfc-é.txt"),
    unicodedata.normalize("NFD", "nfd-é.txt"),
    "l" * 251 + ".txt",
    "é" * 125 + ".txt",
    "/".join(f"deep{number}" for number in range(31)) + "/x.txt",
    "empty.txt",
    "folder/.hidden",
    "resolve/main/tree.txt",
]
LIMIT = 10 * 1024**2


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


def content_of(name: str) -> bytes:
    return b"" if name == "empty.txt" else f"this is {name}".encode()


def add(path: str, content: bytes = b"x") -> list[Any]:
    text = base64.b64encode(content).decode()
    return ["CommitOperationAdd", {"path_in_repo": path, "base64": text}]


def commit(client: Client, *operations: list[Any], repo_id: str = "ada/odd") -> None:
    client("create_commit", repo_id=repo_id, operations=list(operations), commit_message="Change")


def head(branch: str = "main") -> Revision:
    return Repository.objects.get(name="odd").refs.get(name=f"refs/heads/{branch}").head


def test_odd_names_arrive_and_come_back_as_they_are(
    client_of: ClientOf, ada: User, registry_url: str
) -> None:
    client = client_of(ada)
    client("create_repo", repo_id="ada/odd")
    repository = Repository.objects.get(name="odd")
    branches.create_branch(repository, BRANCH, start=head(), by=as_caller(ada))
    client(
        "create_commit",
        repo_id="ada/odd",
        revision=BRANCH,
        operations=[add(name, content_of(name)) for name in ODD],
        commit_message="Add odd names",
    )

    # Into the cache: in a folder, the client puts files of longer names beside these
    target = Path(client("snapshot_download", repo_id="ada/odd", revision=BRANCH))
    listed = client("list_repo_files", repo_id="ada/odd", revision=BRANCH)
    known = client("get_paths_info", repo_id="ada/odd", revision=BRANCH, paths=ODD)

    assert {name: (target / name).read_bytes() for name in ODD} == {
        name: content_of(name) for name in ODD
    }
    assert sorted(listed) == sorted([".gitattributes", *ODD])
    assert [one["path"] for one in known] == ODD
    secret = make_token(ada, "write")
    for name in ODD:
        for path in (quote(name), quote(name, safe="")):
            url = f"{registry_url}/ada/odd/resolve/{quote(BRANCH, safe='')}/{path}"
            assert curl(url, secret) == content_of(name), url
        parent = name.rpartition("/")[0]
        url = f"{registry_url}/api/models/ada/odd/tree/{quote(BRANCH, safe='')}"
        answer = curl(f"{url}/{quote(parent, safe='')}" if parent else url, secret)
        assert f'"oid": "{_oid(name)}"'.encode() in answer


def curl(url: str, secret: str) -> bytes:
    command = [
        "curl",
        "-sS",
        "--fail",
        "--path-as-is",
        "-g",
        "-H",
        f"Authorization: Bearer {secret}",
    ]
    return subprocess.run([*command, url], capture_output=True, check=True).stdout


def _oid(name: str) -> str:
    return files.find(head(BRANCH), name).oid


def test_a_file_of_the_limit_is_part_of_the_commit_and_a_larger_one_goes_to_lfs(
    client_of: ClientOf, ada: User, tmp_path: Path
) -> None:
    (tmp_path / "source").mkdir()
    line = b"a line of text\n"
    for name, size in (("limit.txt", LIMIT), ("more.txt", LIMIT + 1), ("less.txt", 1)):
        (tmp_path / "source" / name).write_bytes((line * (size // len(line) + 1))[:size])
    client = client_of(ada)
    client("create_repo", repo_id="ada/odd")

    client("upload_folder", repo_id="ada/odd", folder_path=str(tmp_path / "source"))
    back = client("snapshot_download", repo_id="ada/odd")

    stored = {file.path: (file.is_lfs, file.size) for file in files.files_of(head())}
    assert stored["limit.txt"] == (False, LIMIT)
    assert stored["more.txt"] == (True, LIMIT + 1)
    assert stored["less.txt"] == (False, 1)
    for path in (tmp_path / "source").iterdir():
        if path.is_file():
            assert (Path(back) / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(
    "paths",
    [
        ["README.md", "Readme.md"],
        ["a/x", "A/y"],
        ["aux.txt"],
        ["data/NUL"],
        ["com1.safetensors"],
        [unicodedata.normalize(form, "é.txt") for form in ("NFC", "NFD")],
        ["x" * 256],
    ],
)
def test_names_that_cannot_be_had_everywhere_are_refused(
    client_of: ClientOf, ada: User, paths: list[str]
) -> None:
    client = client_of(ada)
    client("create_repo", repo_id="ada/odd")
    before = head()

    with pytest.raises(ClientError, match="Invalid path") as refusal:
        commit(client, *(add(path) for path in paths))

    assert "422" in refusal.value.message
    assert head() == before


def test_a_name_is_a_file_and_a_folder_in_turn(client_of: ClientOf, ada: User) -> None:
    client = client_of(ada)
    client("create_repo", repo_id="ada/odd")

    def delete(path: str, *, is_folder: bool = False) -> list[Any]:
        return ["CommitOperationDelete", {"path_in_repo": path, "is_folder": is_folder}]

    commit(client, add("name", b"a file"))
    commit(client, delete("name"), add("name/inside", b"in a folder"))
    assert [file.path for file in files.files_of(head())] == [".gitattributes", "name/inside"]
    commit(client, delete("name/", is_folder=True), add("name", b"a file again"))
    assert [file.path for file in files.files_of(head())] == [".gitattributes", "name"]
    with pytest.raises(ClientError, match="a file and a folder at once"):
        commit(client, add("name/inside"))
