"""The bare script beside the smoke test: loads a model and answers the same prompts, without any check.

`python -m benchmarks.bare FOLDER` writes how long it took to open the tokenizer and for the first pass.
"""

import json
import sys
import time
from pathlib import Path

import torch

# Loading imports the rest of it anyway; here it does not count as opening the tokenizer.
from transformers import AutoModelForCausalLM, AutoTokenizer, PreTrainedModel  # noqa: F401

from registry.checks.smoke.texts import PROMPTS

TOKENS = 64


def main(folder: Path) -> None:
    torch.set_grad_enabled(False)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    if device.type == "cpu":
        torch.set_num_threads(max(1, torch.get_num_threads() // 2))
    started = time.perf_counter()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, padding_side="left")
    opened = time.perf_counter() - started
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model = AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=dtype,
        local_files_only=True,
        device_map={"": device} if device.type == "cuda" else None,
    )
    model.eval()
    texts = [
        tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True
        )
        if tokenizer.chat_template
        else prompt
        for prompt in PROMPTS
    ]
    given = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False).to(device)
    started = time.perf_counter()
    model(input_ids=given["input_ids"][:1, :1], use_cache=False).logits.sum().item()
    first = time.perf_counter() - started
    model.generate(**given, max_new_tokens=TOKENS, do_sample=False)
    print(json.dumps({"tokenizer": opened, "first": first}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
