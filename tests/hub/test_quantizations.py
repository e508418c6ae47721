"""Which GGUF file llama.cpp is given for the name of a quantization."""

import pytest

from registry.accounts.models import User
from tests.factories import make_commit, make_facts, make_repository, make_user
from tests.hub.calls import Wire, seen

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    make_facts()
    user = make_user("ada")
    files = {
        "tiny-IQ4_K_M.gguf": "a",
        "tiny-Q2_K-00001-of-00002.gguf": "b",
        "tiny-Q2_K-00002-of-00002.gguf": "c",
        "tiny-Q4_K_M.gguf": "d",
        "tiny-q8_0.gguf": "e",
        "notes.txt": "Q5_K",
    }
    make_commit(make_repository(user, "tiny"), files)
    make_commit(make_repository(user, "plain"), {"model.safetensors": "f"})
    return user


@pytest.mark.parametrize(
    ("tag", "path"),
    [
        ("latest", "tiny-Q4_K_M.gguf"),
        ("q4_k_m", "tiny-Q4_K_M.gguf"),
        ("Q8_0", "tiny-q8_0.gguf"),
        ("Q2_K", "tiny-Q2_K-00001-of-00002.gguf"),
        ("IQ4_K_M", "tiny-IQ4_K_M.gguf"),
    ],
)
def test_the_name_of_a_quantization_means_a_file(ada: User, tag: str, path: str) -> None:
    answer = Wire(ada).get(f"/v2/ada/tiny/manifests/{tag}").json()

    assert answer["ggufFile"]["rfilename"] == path
    assert "mmprojFile" not in answer


@pytest.mark.parametrize("tag", ["Q4", "Q4_K", "Q5_K", ".*"])
def test_an_unknown_quantization_is_refused_with_those_there_are(ada: User, tag: str) -> None:
    status, _, message = seen(Wire(ada).get(f"/v2/ada/tiny/manifests/{tag}"))

    assert status == 400
    assert "tiny-Q4_K_M.gguf" in message


def test_a_model_without_gguf_says_so(ada: User) -> None:
    status, _, message = seen(Wire(ada).get("/v2/ada/plain/manifests/latest"))

    assert (status, message.endswith("Its GGUF files: none.")) == (400, True)


def test_what_is_in_quarantine_is_named_to_nobody_else(ada: User) -> None:
    for other in (Wire(), Wire(make_user())):
        assert (
            seen(other.get("/v2/ada/tiny/manifests/latest"))[:2]
            == seen(other.get("/v2/ada/none/manifests/latest"))[:2]
        )
