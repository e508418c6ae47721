"""Odd names of files and branches, as clients write them into addresses."""

from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.catalog import branches, paths
from registry.catalog.models import Repository
from tests.factories import as_caller, make_commit, make_repository, make_revision
from tests.hub.calls import Wire

pytestmark = pytest.mark.django_db

ODD = [
    "a b.txt",
    "voc#ab?é.txt",
    "100%.txt",
    "a&b=c;d.txt",
    "sub dir/d'eux/x+y.txt",
    "模型/权重.txt",
    '"q".txt',
]


@pytest.mark.parametrize("name", ODD)
def test_a_file_is_found_by_its_encoded_name(name: str) -> None:
    repository = make_revision(files={name: name}).repository
    wire = Wire(repository.created_by)

    answer = wire.get(f"/{repository}/resolve/main/{quote(name)}?download=true")
    listed = wire.get(f"/api/models/{repository}/tree/main?recursive=True").json()

    assert answer.sent == name.encode()
    assert quote(name.rpartition("/")[2], safe="") in answer["Content-Disposition"]
    assert name in [entry["path"] for entry in listed]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.lists(
        st.text(
            st.characters(categories=["L", "N", "P", "S", "Zs"], codec="utf-8"),
            min_size=1,
            max_size=12,
        ),
        min_size=1,
        max_size=3,
    ).map("/".join)
)
def test_every_name_that_may_be_stored_can_be_had_again(name: str) -> None:
    if paths.path_problem(name):
        return
    repository = make_repository()
    make_commit(repository, {name: "x"})
    wire = Wire(repository.created_by)

    assert wire.get(f"/{repository}/resolve/main/{quote(name)}").status_code == 200
    assert wire.get(f"/{repository}/resolve/main/{quote(name, safe='')}").status_code == 200


@pytest.fixture
def with_branch() -> Repository:
    repository = make_revision(files={"sub/a.txt": "first"}).repository
    by = as_caller(repository.created_by)
    start = repository.refs.get().head
    branches.create_branch(repository, "feature/x", start=start, by=by)
    make_commit(repository, {"sub/a.txt": "second"}, branch="feature/x")
    return repository


def test_a_branch_with_a_slash_is_one_encoded_part(with_branch: Repository) -> None:
    wire = Wire(with_branch.created_by)

    assert wire.get(f"/{with_branch}/resolve/feature%2Fx/sub/a.txt").sent == b"second"
    assert wire.get(f"/{with_branch}/resolve/main/sub/a.txt").sent == b"first"
    assert wire.get(f"/{with_branch}/resolve/feature/x/sub/a.txt").status_code == 404
    tree = wire.get(f"/api/models/{with_branch}/tree/feature%2Fx/sub")
    assert [entry["path"] for entry in tree.json()] == ["sub/a.txt"]
    assert wire.get(f"/{with_branch}/resolve/refs%2Fheads%2Fmain/sub/a.txt").sent == b"first"
    assert wire.get(f"/{with_branch}/resolve/refs/heads/main/sub/a.txt").sent == b"first"


def test_a_commit_id_and_its_beginning_name_a_revision(with_branch: Repository) -> None:
    wire = Wire(with_branch.created_by)
    oid = with_branch.refs.get(name="refs/heads/feature/x").head.oid

    for name in (oid, oid[:7], oid.upper()):
        assert wire.get(f"/{with_branch}/resolve/{name}/sub/a.txt").sent == b"second"
    assert wire.get(f"/{with_branch}/resolve/{oid[:6]}/sub/a.txt").status_code == 404


def test_a_repository_is_found_in_any_case_and_answers_with_its_own_spelling() -> None:
    repository = make_repository(name="Tiny-Llama")
    wire = Wire(repository.created_by)

    answer = wire.get(f"/api/models/{str(repository).upper()}")

    assert answer.json()["id"] == str(repository)
