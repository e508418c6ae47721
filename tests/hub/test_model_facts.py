"""What info, tree and lists say of a model beyond its files: counts, bases, safety."""

import json
import struct
from datetime import timedelta

import pytest
from django.utils import timezone

from registry.agreements import grants, requests
from registry.agreements.scopes import Scope
from registry.catalog import downloads, lineage
from registry.catalog.models import Gated, Like
from registry.checks.models import FindingRow
from tests.agreements.access import set_mode
from tests.factories import (
    accept_terms,
    as_caller,
    finish_checks,
    make_released,
    make_repository,
    make_revision,
    make_user,
)
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db
BASED = "---\nlicense: llama3.1\nbase_model: ada/tiny\n---\n# A model\n"


def weights(count: int) -> bytes:
    header = {"w": {"dtype": "BF16", "shape": [count], "data_offsets": [0, 0]}}
    raw = json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw


FILES = {
    "README.md": "---\nlicense: llama3.1\n---\n# A model\n",
    "config.json": '{"architectures": ["LlamaForCausalLM"], "model_type": "llama"}',
    "tokenizer_config.json": "{}",
    "model.safetensors": weights(7_000_000),
}


def ids(query: str) -> list[str]:
    answer = Wire().get(f"/api/models?{query}")
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()]


def test_info_counts_parameters_and_names_the_class_that_loads_it() -> None:
    make_released(make_repository(make_user("ada"), "tiny"), files=FILES)

    info = Wire().get("/api/models/ada/tiny").json()

    assert info["safetensors"] == {"parameters": {"BF16": 7_000_000}, "total": 7_000_000}
    assert info["transformersInfo"] == {
        "auto_model": "AutoModelForCausalLM",
        "pipeline_tag": "text-generation",
        "processor": "AutoTokenizer",
    }
    assert info["config"] == {"architectures": ["LlamaForCausalLM"], "model_type": "llama"}


def test_lists_filter_by_parameters() -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "tiny"), files=FILES)
    make_released(make_repository(ada, "unknown"))

    assert ids("num_parameters=min:6M,max:8m") == ids("num_parameters=min:1K") == ["ada/tiny"]
    assert ids("num_parameters=max:6.5M") == ids("num_parameters=min:1T") == []
    for wrong in ("6B", "min:x", "min:1Q", "min:1,,"):
        assert Wire().get(f"/api/models?num_parameters={wrong}").status_code == 400


def test_children_are_counted_as_far_as_the_caller_may_know_of_them() -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "tiny"), files=FILES)
    make_released(make_repository(ada, "Llama-tuned"), files={**FILES, "README.md": BASED})
    make_revision(make_repository(ada, "hidden"), files={**FILES, "README.md": BASED})
    path = "/api/models/ada/tiny?expand=childrenModelCount"

    assert Wire().get(path).json()["childrenModelCount"] == 1
    assert Wire(ada).get(path).json()["childrenModelCount"] == 2
    based = Wire().get("/api/models/ada/Llama-tuned?expand=baseModels").json()["baseModels"]
    assert based == {"relation": "finetune", "models": [{"id": "ada/tiny"}]}


def test_what_is_asked_for_lately_comes_first() -> None:
    ada, reader = make_user("ada"), make_user()
    for name in ("liked", "loaded", "quiet"):
        release = make_released(make_repository(ada, name))
        accept_terms(release, reader)
        if name != "quiet":
            Like.objects.create(user=reader, repository=release.repository)
        if name == "loaded":
            Wire(reader).get("/ada/loaded/resolve/main/model.safetensors")

    downloads.recount()

    assert ids("sort=trendingScore") == ["ada/loaded", "ada/liked", "ada/quiet"]
    shown = Wire().get("/api/models?sort=trendingScore").json()
    assert [item["trendingScore"] for item in shown] == [2, 1, 0]


def test_what_checks_found_is_said_of_the_repository_and_of_each_file() -> None:
    ada = make_user("ada")
    revision = make_revision(make_repository(ada, "tiny"), files={**FILES, "x.bin": b"x"})
    info, tree = "/api/models/ada/tiny?securityStatus=true", "/api/models/ada/tiny/tree/main"
    early = Wire(ada).get(info).json()["securityRepoStatus"]
    assert early == {"scansDone": False, "filesWithIssues": []}
    assert all(
        "securityFileStatus" not in one for one in Wire(ada).get(f"{tree}?expand=true").json()
    )

    run = finish_checks(revision)
    FindingRow.objects.create(
        run=run, check_id="SEC-MAGIC", severity="block", message="m", file="x.bin"
    )
    FindingRow.objects.create(
        run=run, check_id="W-FINITE", severity="block", message="m", file="model.safetensors"
    )

    assert Wire(ada).get(info).json()["securityRepoStatus"] == {
        "scansDone": True,
        "filesWithIssues": [{"path": "x.bin", "level": "unsafe"}],
    }
    entries = Wire(ada).get(f"{tree}?expand=true").json()
    status = {one["path"]: one["securityFileStatus"]["status"] for one in entries}
    assert (status["x.bin"], status["model.safetensors"]) == ("unsafe", "safe")


def test_headers_of_all_shards_come_in_one_answer_to_whom_the_gate_opens_them() -> None:
    index = {"metadata": {"total_size": 1}, "weight_map": {"w": "s/a.safetensors"}}
    files = {**FILES, "m.index.json": json.dumps(index), "s/a.safetensors": weights(3)}
    release = make_released(make_repository(make_user("ada"), "tiny"), files=files)
    path, reader = "/api/models/ada/tiny/safetensors-metadata", make_user()

    assert seen(Wire(reader).get(f"{path}/m.index.json"))[:2] == (403, "GatedRepo")
    assert seen(Wire(reader).get(f"{path}/README.md"))[:2] == (403, "GatedRepo")
    accept_terms(release, reader)
    answer = Wire(reader).get(f"{path}/m.index.json").json()
    assert answer["index"] == {"metadata": {"total_size": 1}}
    assert answer["headers"]["s/a.safetensors"]["w"]["shape"] == [3]
    assert Wire(reader).get(f"{path}/config.json").status_code == 400


def test_who_was_let_in_to_the_index_alone_gets_no_headers_of_shards() -> None:
    index = {"weight_map": {"w": "s/a.safetensors"}}
    files = {**FILES, "m.index.json": json.dumps(index), "s/a.safetensors": weights(3)}
    release = make_released(make_repository(make_user("ada"), "tiny"), files=files)
    set_mode(release.repository, Gated.MANUAL)
    reader, ada = make_user("reader"), as_caller(release.repository.created_by)
    accept_terms(release, reader)
    scope = Scope(patterns=["*.json"])
    requests.grant(release.repository, user="reader", scope=scope, by=ada)
    path = "/api/models/ada/tiny/safetensors-metadata/m.index.json"

    assert Wire(reader).get("/ada/tiny/resolve/main/m.index.json").status_code == 200
    assert seen(Wire(reader).get(path))[:2] == (403, "GatedRepo")
    more = Scope(patterns=["s/*"], ends_at=timezone.now() + timedelta(days=9))
    grants.add(release.repository.access_requests.get(), more, by=ada)
    assert Wire(reader).get(path).json()["headers"]["s/a.safetensors"]["w"]["shape"] == [3]


@pytest.mark.parametrize("name", ["\ud800", "a\0b", "", "../a", "none.safetensors"])
def test_an_index_that_names_what_cannot_be_there_is_told_so(name: str) -> None:
    ada = make_user("ada")
    index = json.dumps({"weight_map": {"w": name}})
    make_revision(make_repository(ada, "tiny"), files={"m.index.json": index})

    answer = Wire(ada).get("/api/models/ada/tiny/safetensors-metadata/m.index.json")

    assert seen(answer) == (404, "EntryNotFound", "Entry not found")


@pytest.mark.parametrize(
    ("base", "warns"),
    [("ada/tiny", ""), ("ada/old", "is called ada/tiny now"), ("x/y", "is not known")],
)
def test_a_base_that_is_not_known_is_a_warning(base: str, warns: str) -> None:
    ada = make_user("ada")
    make_released(make_repository(ada, "old"), files=FILES)
    Wire(ada).post("/api/repos/move", {"fromRepo": "ada/old", "toRepo": "ada/tiny"})
    make_revision(make_repository(ada, "y"))
    card = f"---\nlicense: llama3.1\nbase_model: {base}\n---\n"

    answer = Wire().post("/api/validate-yaml", {"repoType": "model", "content": card}).json()

    found = [one["message"] for one in answer["warnings"]]
    assert answer["errors"] == []
    assert warns in found[0] if warns else found == []


def test_of_thousands_of_bases_only_the_first_are_looked_up() -> None:
    names = ", ".join(f"x/y{number}" for number in range(3000))
    card = f"---\nlicense: llama3.1\nbase_model: [{names}]\n---\n"

    answer = Wire().post("/api/validate-yaml", {"repoType": "model", "content": card}).json()

    assert len(answer["warnings"]) == lineage.MAX_BASES
