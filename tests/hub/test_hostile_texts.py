"""Cards and configurations with texts that a database or a reader of JSON refuses."""

import json
from typing import Any

import pytest

from registry.catalog.models import Repository
from tests.factories import make_repository
from tests.hub.calls import Wire, file

pytestmark = pytest.mark.django_db

CARDS = [
    "foo: !!timestamp bar",
    'foo: !!int ""',
    'foo: !!float ""',
    "foo: !!bool x",
    "foo: 0x" + "f" * 6000,
    "foo: " + "1" + ":59" * 6000 + ".5",
]
CLEANED = [r'"a\0b": 1', r'foo: "\ud800"', r'tags: ["\ud800", "a\0b"]', "foo: 1.0e+300"]
CONFIGURATIONS = [
    rb'{"model_type": "a\u0000b"}',
    rb'{"model_type": "a\ud800b"}',
    rb'{"architectures": ["a\u0000", "\udfff"]}',
    b'{"architectures": NaN}',
    b'{"architectures": [1e999]}',
    b'{"model_type": -Infinity, "architectures": ["A"]}',
    b'{"architectures": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    b'{"architectures": ' + b"9" * 6000 + b"}",
]


@pytest.fixture
def repository() -> Repository:
    return make_repository()


@pytest.fixture
def wire(repository: Repository) -> Wire:
    return Wire(repository.created_by)


def strict(raw: bytes) -> Any:
    """JSON as other languages read it."""

    def refused(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    value = json.loads(raw, parse_constant=refused)
    json.dumps(value, ensure_ascii=False).encode()
    return value


@pytest.mark.parametrize("front", CARDS)
def test_a_card_that_cannot_be_read_is_refused_by_a_sentence(
    wire: Wire, repository: Repository, front: str
) -> None:
    text = f"---\n{front}\n---\n"

    judged = wire.post("/api/validate-yaml", {"content": text, "repoType": "model"})
    committed = wire.commit(repository, file("README.md", text.encode()))

    assert judged.status_code == 400
    assert judged.json()["errors"][0]["message"].startswith("The front matter")
    assert committed.status_code in (400, 422)


@pytest.mark.parametrize("front", CLEANED)
def test_a_card_with_odd_values_is_taken_and_shown_without_them(
    wire: Wire, repository: Repository, front: str
) -> None:
    sent = wire.commit(repository, file("README.md", f"---\n{front}\n---\n".encode()))

    assert sent.status_code == 200
    shown = strict(wire.get(f"/api/models/{repository}").sent)
    assert "\0" not in str(shown)
    assert strict(
        wire.get(f"/api/models?full=true&cardData=true&author={repository.namespace}").sent
    )


@pytest.mark.parametrize("raw", CONFIGURATIONS)
def test_a_configuration_cannot_break_a_commit_or_an_answer(
    wire: Wire, repository: Repository, raw: bytes
) -> None:
    assert wire.commit(repository, file("config.json", raw)).status_code == 200

    shown = strict(wire.get(f"/api/models/{repository}").sent)

    assert "\0" not in str(shown)
    assert strict(wire.get(f"/api/models/{repository}?expand=config&expand=tags").sent)
