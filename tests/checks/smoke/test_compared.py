"""A base that was run and released here, and what is said of models that come from it."""

import json
from collections.abc import Mapping
from typing import Any

import numpy
import pytest

from registry.accounts.models import User
from registry.catalog.models import Revision
from registry.checks import work
from registry.checks.models import CheckRun, JobKind
from registry.checks.smoke.texts import PROSE
from registry.releases import workflow
from tests import factories
from tests.checks import models

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("warm"),
]

ROWS, CONTEXT, THETA = 259, 512, 10_000.0
STEPS = 145
CONFIG = {
    **models.CONFIG,
    "vocab_size": ROWS,
    "max_position_embeddings": CONTEXT,
    "rope_theta": THETA,
    "rope_parameters": {"rope_type": "default", "rope_theta": THETA},
}
KNOWN = ("science", "code", "de", "es")
WIDTH = CONFIG["hidden_size"] // CONFIG["num_attention_heads"]
CARD = "---\nlicense: apache-2.0\n{}---\n# A model\n\nIt writes.\n"


def _tokenizer() -> bytes:
    """As the GGUF file has it: one token more, with its merge."""
    made = json.loads(models.tokenizer(extra={"ab": 258}))
    made["model"]["merges"] = ["a b"]
    return json.dumps(made).encode()


TOKENIZER = _tokenizer()


@pytest.fixture(scope="session")
def trained() -> models.Tensors:
    """Weights that know four of the fixed texts by heart, and so need every detail of their
    configuration."""
    import torch
    from tokenizers import Tokenizer
    from transformers import LlamaConfig, LlamaForCausalLM

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    known = {key: value for key, value in CONFIG.items() if key not in ("architectures", "dtype")}
    model = LlamaForCausalLM(LlamaConfig(**known))
    tokenizer = Tokenizer.from_str(TOKENIZER.decode())
    known_texts = [tokenizer.encode(PROSE[name]).ids for name in KNOWN]
    longest = max(map(len, known_texts))
    ids = torch.tensor([row + [-100] * (longest - len(row)) for row in known_texts])
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02, weight_decay=0)
    with torch.enable_grad():
        for _ in range(STEPS):
            model(input_ids=ids.clamp(min=0), labels=ids).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    torch.set_num_threads(threads)
    return {name: tensor.detach().numpy() for name, tensor in model.state_dict().items()}


@pytest.fixture
def base(trained: models.Tensors) -> Revision:
    """Run as every upload, and released: ada/base."""
    revision = _checked("ada", "base", _files(trained))[0]
    release = workflow.open_release(
        revision, version="v1", by=factories.as_caller(revision.repository.created_by)
    )
    factories.approve(release)
    return revision


@pytest.mark.usefixtures("base")
def test_a_fault_of_the_configuration_shows_beside_the_base(trained: models.Tensors) -> None:
    """The weights are those of the base; only the angles of the positions are others."""
    for theta, severity in ((6000.0, "warn"), (300.0, "block")):
        _, found, metrics = _checked(
            "bob", f"theta{theta:.0f}", _files(trained, theta=theta, card="base_model: ada/base\n")
        )

        assert found.get("QUAL-BASE") == [severity], (theta, found, metrics)
        assert metrics["perplexity_ratio"] > (10 if severity == "block" else 1.5)
        assert metrics["base"]["repo"] == "ada/base"


@pytest.mark.usefixtures("base")
def test_what_a_quantization_lost_shows_beside_the_base(trained: models.Tensors) -> None:
    files: dict[str, bytes | str] = {
        "README.md": CARD.format("base_model: ada/base\nbase_model_relation: quantized\n")
    }
    for name, levels in (("good", 127), ("worse", 7), ("ruined", 2)):
        files[f"{name}.gguf"] = _gguf(_rounded(trained, levels))
    _, found, metrics = _checked("bob", "packed", files)

    # In the order of their names.
    assert found["QUANT-DRIFT"] == ["block", "warn"], (found, metrics)
    lost = {name: figures["kl_parent"] for name, figures in metrics["targets"].items()}
    assert lost["good.gguf"] < 0.02 < 0.1 < lost["worse.gguf"] < 1 < lost["ruined.gguf"]
    assert metrics["targets"]["good.gguf"]["native"]["kl"] < 0.02


def _checked(
    owner: str, name: str, files: Mapping[str, bytes | str]
) -> tuple[Revision, dict[str, list[str]], dict[str, Any]]:
    """An upload as it is scanned and run: the revision, the severities by check, and the figures."""
    user = User.objects.filter(username=owner).first() or factories.make_user(owner)
    repository = factories.make_repository(user, name)
    files = factories.with_copies(files, repository)
    revision = factories.make_revision(repository, files=files)
    run = CheckRun.objects.get(revision=revision)
    for kind in (JobKind.SCAN, JobKind.SMOKE):
        work.perform(factories.claim_job(run, kind))
    run.refresh_from_db()
    found: dict[str, list[str]] = {}
    for row in run.findings.order_by("pk"):
        found.setdefault(row.check_id, []).append(row.severity)
    return revision, found, (run.report or {})["metrics"]


def _files(
    tensors: models.Tensors, *, theta: float = THETA, card: str = ""
) -> dict[str, bytes | str]:
    rope = {"rope_theta": theta, "rope_parameters": {"rope_type": "default", "rope_theta": theta}}
    made = models.llama(
        readme=CARD.format(card).encode(),
        config=json.dumps(CONFIG | rope).encode(),
        model=models.safetensors(tensors),
        tokenizer=TOKENIZER,
    )
    return dict(made)


def _rounded(tensors: models.Tensors, levels: int) -> models.Tensors:
    """As in blocks of 32 that share a scale."""
    found = dict(tensors)
    for name, tensor in tensors.items():
        if tensor.ndim == 2:
            blocks = tensor.reshape(-1, 32)
            steps = numpy.abs(blocks).max(axis=1, keepdims=True) / levels
            found[name] = (numpy.rint(blocks / steps) * steps).reshape(tensor.shape)
    return found


def _gguf(tensors: models.Tensors) -> bytes:
    """The numbers as they are, q and k in the order of rows that GGUF has."""
    names = dict(zip(models.tensors_of(CONFIG), models.gguf_tensors(), strict=True))
    found = {}
    for name, tensor in tensors.items():
        if "q_proj" in name or "k_proj" in name:
            rows = tensor.reshape(-1, 2, WIDTH // 2, tensor.shape[1])
            tensor = rows.swapaxes(1, 2).reshape(tensor.shape)
        found[names[name]] = tensor
    return models.gguf(
        tensors=found, **{"llama.context_length": CONTEXT, "llama.rope.freq_base": THETA}
    )
