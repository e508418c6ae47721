"""Writes the weights of a GGUF as a safetensors model: `python -m registry.checks.smoke.export`."""

import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig


def export(gguf: Path, target: Path) -> None:
    """Read a GGUF that is trusted, and save what it holds as transformers would."""
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(target)


if __name__ == "__main__":
    export(Path(sys.argv[1]), Path(sys.argv[2]))
