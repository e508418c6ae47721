"""What a helper of the program does with a GGUF file: asks llama.cpp for the words it finds likely next.

The binding offers the server of llama.cpp alone, which insists on a place to listen; in the sandbox
that is a name in the scratch folder, and nobody calls there.
"""

import os
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from tempfile import mkdtemp
from time import monotonic
from typing import Any

PACKAGE = "xllamacpp"
# An address may have 108 letters: under this name it is in the current folder.
ADDRESS = "native.sock"
SURE = 1000.0


def engine() -> str | None:
    """Its version, or None where it is not installed."""
    try:
        return f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:
        return None


def follow(
    *, path: str, ids: Sequence[int], first: int, top: int, decoded: int, most_seconds: float
) -> dict[str, Any]:
    """After each beginning of these tokens, from `first` tokens on, the most likely next ones with
    their log-probabilities, as far as the time goes; then how fast it writes by itself."""
    until = monotonic() + most_seconds
    started = monotonic()
    server = _opened(path, context=len(ids) + decoded + 16)
    found: dict[str, Any] = {"load_s": round(monotonic() - started, 3), "ids": [], "logprobs": []}
    for length in range(first, len(ids) + 1):
        if monotonic() > until:
            return found
        likely = _asked(server, ids[:length], top)
        found["ids"].append([int(each["id"]) for each in likely])
        found["logprobs"].append([float(each["logprob"]) for each in likely])
    if decoded and monotonic() < until:
        answer = server.handle_completions(
            {"prompt": list(ids), "n_predict": decoded, "temperature": 0, "ignore_eos": True}
        )
        found["decode_tok_s"] = float(answer["timings"]["predicted_per_second"])
    return found


def _asked(server: Any, ids: Sequence[int], top: int) -> list[dict[str, Any]]:
    answer = server.handle_completions(
        {
            "prompt": list(ids),
            "n_predict": 1,
            "n_probs": top,
            "temperature": 0,
            # What it chooses to write, not the probabilities: of half a letter or the end it tells none.
            "logit_bias": [[ids[-1], SURE]],
            "ignore_eos": True,
            "cache_prompt": True,
        }
    )
    if "choices" not in answer:
        raise ValueError(str(answer.get("error") or answer)[:500])
    likely: list[dict[str, Any]] = answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    return likely


def _opened(path: str, *, context: int) -> Any:
    """The server on this file, on the processor, with nothing of its own that could be called."""
    # It would start a debugger on itself.
    os.environ["GGML_NO_BACKTRACE"] = "1"
    import xllamacpp  # type: ignore[import-untyped]

    os.chdir(mkdtemp())
    threads = max(1, (os.cpu_count() or 1) // 2)
    params = xllamacpp.CommonParams()
    params.model.path = path
    params.hostnames = [ADDRESS]
    params.n_ctx = context
    params.n_batch = params.n_ubatch = 64
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.n_threads_http = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.warmup = params.fit_params = params.ui = params.use_jinja = False
    params.cache_ram_mib = 0
    # Its own form of the weights would be a second copy in memory.
    params.no_extra_bufts = True
    # The file's template is not needed, and is tried elsewhere.
    params.chat_template = "chatml"
    params.verbosity = 0
    return xllamacpp.Server(params)
