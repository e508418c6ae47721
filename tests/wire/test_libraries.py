"""What is built on the client: transformers, peft, lazy reading, vLLM, llama.cpp, and plain curl."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from registry.accounts.models import User
from registry.catalog.models import Repository
from tests.factories import (
    accept_terms,
    make_commit,
    make_facts,
    make_repository,
    make_token,
    make_user,
)
from tests.wire.clients import ROOT, Client, newest_python
from tests.wire.test_round_trip import CARD, ClientOf, refused, release

pytestmark = pytest.mark.django_db(transaction=True)

HEADER = json.dumps(
    {
        "__metadata__": {"format": "pt"},
        "first": {"dtype": "F32", "shape": [4, 8], "data_offsets": [0, 128]},
        "second": {"dtype": "BF16", "shape": [1000, 1000], "data_offsets": [128, 2_000_128]},
    }
).encode()
WEIGHTS = len(HEADER).to_bytes(8, "little") + HEADER + os.urandom(2_000_128)
QUANTIZED = b"GGUF" + os.urandom(3_000_000)


@pytest.fixture
def python() -> Path:
    return newest_python()


@pytest.fixture
def ada() -> User:
    make_facts()
    return make_user("ada")


@pytest.fixture
def reader() -> User:
    return make_user("reader")


@pytest.fixture
def tiny(ada: User, reader: User) -> str:
    """A released model whose terms the reader accepted."""
    repository = make_repository(ada, "tiny")
    files: dict[str, bytes | str] = {
        "README.md": CARD,
        "config.json": '{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}',
        "model.safetensors": WEIGHTS,
        "tiny-Q4_K_M.gguf": QUANTIZED,
        "tiny-Q8_0.gguf": QUANTIZED + b"8",
        "mmproj-tiny-f16.gguf": b"GGUF projector",
    }
    accept_terms(release(make_commit(repository, files)), reader)
    return "ada/tiny"


def run(client: Client, *arguments: str) -> Any:
    """A step of `tests.wire.libraries`, as this person's own program."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.wire.libraries", *arguments],
        cwd=ROOT,
        env=client.environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.slow
def test_transformers_and_peft_push_and_load_by_name(
    client_of: ClientOf, ada: User, reader: User, tmp_path: Path
) -> None:
    owner = client_of(ada)
    pushed = run(owner, "push", str(tmp_path / "tiny"), "ada/pushed", "ada/adapter")
    card = tmp_path / "README.md"
    base = "base_model: ada/pushed\nbase_model_relation: adapter\n"
    cards = {"pushed": CARD, "adapter": CARD.replace("license: cc\n", f"license: cc\n{base}")}
    for name, text in cards.items():
        card.write_text(text)
        owner(
            "upload_file",
            repo_id=f"ada/{name}",
            path_in_repo="README.md",
            path_or_fileobj=str(card),
        )
        head = Repository.objects.get(name=name).refs.get(name="refs/heads/main").head
        accept_terms(release(head), reader)

    loaded = run(client_of(reader, "read"), "load", "ada/pushed", "ada/adapter")

    assert loaded.pop("tokens") > 4
    assert loaded == pushed


def test_a_tensor_is_read_alone_over_ranges(client_of: ClientOf, reader: User, tiny: str) -> None:
    client = client_of(reader, "read")

    metadata = client("get_safetensors_metadata", repo_id=tiny)
    start = 8 + len(HEADER)
    first = client(
        "read_range", path=f"{tiny}/model.safetensors", block=4096, start=start, length=128
    )

    assert metadata["parameter_count"] == {"F32": 32, "BF16": 1_000_000}
    assert bytes.fromhex(first) == WEIGHTS[start : start + 128]


def test_what_vllm_asks_for_is_answered(
    client_of: ClientOf, reader: User, tiny: str, tmp_path: Path
) -> None:
    """Whether there is a configuration, which files there are, an index that may be missing, then
    the weights alone, and at last their headers."""
    client = client_of(reader, "read")

    assert client("file_exists", repo_id=tiny, filename="config.json")
    assert not client("file_exists", repo_id=tiny, filename="params.json")
    assert f"{tiny}/model.safetensors" in client("ls", path=tiny)
    assert "model.safetensors" in client("list_repo_files", repo_id=tiny)
    index = "model.safetensors.index.json"
    refused(client, "EntryNotFoundError", "hf_hub_download", repo_id=tiny, filename=index)
    folder = client("snapshot_download", repo_id=tiny, allow_patterns=["*.safetensors"])
    assert [path.name for path in Path(folder).iterdir()] == ["model.safetensors"]
    assert (Path(folder) / "model.safetensors").read_bytes() == WEIGHTS
    assert client("get_safetensors_metadata", repo_id=tiny)["sharded"] is False


def asked(url: str, token: str, method: str = "GET", **headers: str) -> Any:
    """An answer to what llama.cpp sends."""
    sent = {"User-Agent": "llama-cpp", "Authorization": f"Bearer {token}"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    return urlopen(Request(url, headers=sent, method=method), timeout=20)  # noqa: S310 - ours


@pytest.mark.parametrize(
    ("tag", "name"), [("latest", "tiny-Q4_K_M.gguf"), ("Q8_0", "tiny-Q8_0.gguf")]
)
def test_what_llama_cpp_asks_for_is_answered(
    registry_url: str, reader: User, tiny: str, tag: str, name: str
) -> None:
    """`-hf ada/tiny:Q8_0`: which file that is, its size and etag, then its bytes, in two parts."""
    token = make_token(reader, "read")
    with asked(f"{registry_url}/v2/{tiny}/manifests/{tag}", token) as answer:
        manifest = json.load(answer)
    assert manifest["ggufFile"]["rfilename"] == name
    assert manifest["mmprojFile"]["rfilename"] == "mmproj-tiny-f16.gguf"
    url = f"{registry_url}/{tiny}/resolve/main/{name}"
    with asked(url, token, "HEAD") as head:
        size, etag = int(head.headers["Content-Length"]), head.headers["ETag"]
        assert head.headers["Accept-Ranges"] == "bytes"
    parts = []
    for wanted in ("bytes=0-999999", "bytes=1000000-"):
        with asked(url, token, Range=wanted, If_Range=etag) as answer:
            assert answer.status == 206
            parts.append(answer.read())
    whole = b"".join(parts)
    assert len(whole) == size
    assert whole.startswith(QUANTIZED)


@pytest.mark.skipif(
    shutil.which("curl") is None and not os.environ.get("REGISTRY_TESTS_REQUIRE_ALL"),
    reason="there is no curl here",
)
def test_curl_goes_on_where_it_stopped(
    registry_url: str, reader: User, tiny: str, tmp_path: Path
) -> None:
    here = tmp_path / "model.safetensors"
    here.write_bytes(WEIGHTS[:1_234_567])
    key = tmp_path / "key"
    key.write_text(f'header = "Authorization: Bearer {make_token(reader, "read")}"\n')
    url = f"{registry_url}/{tiny}/resolve/main/model.safetensors"
    command = ["curl", "--silent", "--show-error", "--fail", "--location", "--config", str(key)]

    done = subprocess.run(
        [*command, "--continue-at", "-", "--output", str(here), url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert here.read_bytes() == WEIGHTS
