"""Whether the files hold the kind of numbers that the configuration names (CFG-DTYPE)."""

from collections import Counter
from collections.abc import Iterator

from registry.checks.findings import Finding, show, warn
from registry.checks.scanners.config import Model, models_of
from registry.checks.scanners.folder import Folder

NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
}
_OTHER_NAMES = {"half": "float16", "float": "float32", "double": "float64"}


def check(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        said, held = said_by(model), held_by(model)
        if said is None or held is None or said == held:
            continue
        yield warn(
            "CFG-DTYPE",
            f"config says {show(said)}, files are {held}.",
            file=model.config_path,
            value=held,
            threshold=show(said),
        )


def said_by(model: Model) -> str | None:
    """The name in config.json; None where there is none, or where loaders choose."""
    config = model.config or {}
    if config.get("quantization_config"):
        return None
    part = config.get("text_config")
    for settings in (config, part if isinstance(part, dict) else {}):
        for key in ("dtype", "torch_dtype"):
            value = settings.get(key)
            if isinstance(value, str) and value != "auto":
                name = value.removeprefix("torch.")
                return _OTHER_NAMES.get(name, name)
    return None


def held_by(model: Model) -> str | None:
    """What most of the numbers are."""
    counts: Counter[str] = Counter()
    for _, tensor in (model.tensors or {}).values():
        if tensor.dtype in NAMES:
            counts[NAMES[tensor.dtype]] += tensor.elements
    return counts.most_common(1)[0][0] if counts.total() else None
