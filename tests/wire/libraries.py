"""What a person's own program does with transformers and peft; runs with the client's environment.

`python -m tests.wire.libraries push FOLDER MODEL ADAPTER` or `… load MODEL ADAPTER`. The last line
of the output is JSON.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any


def push(folder: str, model_id: str, adapter_id: str) -> dict[str, Any]:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from tests.checks.tiny import save_llama

    save_llama(Path(folder))
    model = AutoModelForCausalLM.from_pretrained(folder)
    model.push_to_hub(model_id)
    AutoTokenizer.from_pretrained(folder).push_to_hub(model_id)
    digest = _digest(model)
    adapted = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
    adapted.push_to_hub(adapter_id)
    return {"model": digest, "adapter": _digest(adapted)}


def load(model_id: str, adapter_id: str) -> dict[str, Any]:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_id)
    model = AutoModelForCausalLM.from_pretrained(model_id)
    digest = _digest(model)
    asked = tokenizer("The registry keeps", return_tensors="pt")
    said = model.generate(**asked, max_new_tokens=4, do_sample=False)
    adapted = PeftModel.from_pretrained(model, adapter_id)
    return {"model": digest, "adapter": _digest(adapted), "tokens": said.shape[1]}


def _digest(model: Any) -> str:
    """SHA-256 over every weight, by name."""
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode() + weight.contiguous().float().numpy().tobytes())
    return digest.hexdigest()


if __name__ == "__main__":
    step, *arguments = sys.argv[1:]
    print(json.dumps({"push": push, "load": load}[step](*arguments)))  # noqa: T201 - the answer
