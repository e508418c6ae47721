"""The pages of files, their history and their differences, looked at as the others are."""

from pathlib import Path

import numpy
import pytest
from playwright.sync_api import Page

from tests.checks import models
from tests.factories import CARD, make_commit, make_released, make_repository, make_user
from tests.web.browser.looking import glance, look, sign_in

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
LONG = "a-folder-with-a-very-long-name-that-breaks-nowhere/notes-about-the-data.txt"


@pytest.mark.looks_at(
    "repository-blob",
    "repository-commits",
    "repository-compare",
    "repository-folder",
    "repository-history",
    "repository-tree",
)
def test_files_headers_history_and_differences(page: Page, picture_folder: Path | None) -> None:
    owner = make_user("ada")
    repository = make_repository(owner, "llama-med-8b-with-a-long-name")
    tensors = {f"model.layers.{n}.weight": numpy.ones((2, 8), "f4") for n in range(12)}
    files = {
        "README.md": f"{CARD}\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        "config.json": models.config(),
        "tokenizer.json": models.tokenizer(),
        "chat_template.jinja": "{% for m in messages %}\n{{ m.content }}\n{% endfor %}\n",
        "model.safetensors": models.safetensors(tensors),
        LONG: "one\ntwo\nthree\n",
    }
    release = make_released(repository, files=files)
    del tensors["model.layers.3.weight"]
    head = make_commit(
        repository,
        {
            "README.md": f"{CARD.replace('llama3.1', 'llama3.2')}\nAnd more words.\n",
            "config.json": models.config(max_position_embeddings=512),
            "tokenizer.json": models.tokenizer(extra={"<|new|>": 258}),
            "chat_template.jinja": "{% for m in messages %}\n{{ m.text }}\n{% endfor %}\n",
            "model.safetensors": models.safetensors(tensors),
            LONG: "one\n2\nthree\n" + "a-long-word-" * 30,
        },
        title="Train for longer, with a template that reads other keys of the messages",
    )
    sign_in(page.context, owner)
    for name, path in {
        "files-tree": "tree/main",
        "files-header": f"blob/{head.oid}/model.safetensors",
        "files-history": "commits/main",
        "files-differences": f"compare?from={release.revision.oid}&to={head.oid}",
    }.items():
        look(page, name, f"/{repository}/{path}", picture_folder)
    glance(page, f"/{repository}/tree/main/{LONG.partition('/')[0]}")
    glance(page, f"/{repository}/commits")
