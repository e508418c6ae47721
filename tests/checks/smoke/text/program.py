"""Runs the text stage on one folder after the other, as the sandboxed program does, without its locks."""

import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from registry.checks.smoke import aside


def answer(request: dict[str, Any]) -> dict[str, Any]:
    from registry.checks.smoke import loading, text

    file = request["file"]
    target = loading.Target("gguf" if file else "transformers", Path(request["folder"]), file, 0)
    records: list[dict[str, Any]] = []
    found = text.check(target, request, send=lambda _, **rest: records.append(rest))
    return {"findings": [finding.as_json() for finding in found], "records": records}


def main() -> None:
    # As many as the tests kill, and some; each would import it for itself.
    importlib.import_module(aside.JOBS)
    aside.prepare(None, count=24)
    import torch

    from registry.checks.smoke.text import templates

    torch.set_num_threads(1)
    templates.SECONDS = 1
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
