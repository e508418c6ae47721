"""Whether the tensors are those that the model class needs (CFG-SHAPE, KEY-MISSING, KEY-UNEXPECTED).

For the classes whose names do not follow from the configuration alone, built without memory for any
value; text Llamas with plain weights were compared by the scan.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
import transformers
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

from registry.checks.findings import Finding, block, show, warn
from registry.checks.scanners.config import ARCHITECTURES
from registry.checks.scanners.limits import is_buffer
from registry.checks.smoke import loading
from registry.checks.smoke.alarms import within
from registry.checks.smoke.text.subject import tensors_of

SECONDS = 60
CONFIG = "config.json"
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")

# What quantized layouts hold in place of a weight, or beside one that keeps its name.
_PACKED = re.compile(r"\.(qweight|weight_packed|weight\.quant_state\.bitsandbytes__\w+|blocks)$")
_BESIDE = re.compile(
    r"\.(qzeros|scales|g_idx|SCB|weight_format|weight_scale(_inv|_2)?|input_scale|"
    r"input_scale_ub|weight_zero_point|weight_shape|weight_g_idx|k_scale|v_scale|"
    r"input_zero_point|output_scale|activation_scale|input_activation_scale|"
    r"weight\.(absmax|quant_map|nested_absmax|nested_quant_map|quant_state\.\w+))$"
)


@dataclass(frozen=True)
class _Expected:
    """Of every tensor its shape; of those that are shared with another, nothing has to be there."""

    shapes: dict[str, tuple[int, ...]]
    shared: frozenset[str]
    model: Any


def check(target: loading.Target) -> Iterator[Finding]:
    if target.kind != "transformers":
        return
    with within(SECONDS):
        config = transformers.AutoConfig.from_pretrained(target.folder, **target.how)
        is_quantized = bool(getattr(config, "quantization_config", None))
        if config.model_type == "llama" and not is_quantized:
            return
        tensors = tensors_of(target.folder)
        names = getattr(config, "architectures", None) or []
        if not tensors or len(names) != 1 or names[0] not in ARCHITECTURES:
            return
        try:
            expected = _expected(config, names[0])
        # The class is the library's, its numbers are the author's: it may refuse them as it likes.
        except Exception as error:
            why = show(f"{type(error).__name__}: {error}")
            yield block("CFG-SHAPE", f"config.json describes no model: {why}.", file=CONFIG)
            return
        yield from _compared(expected, dict(tensors), is_quantized=is_quantized)


def _expected(config: Any, name: str) -> _Expected:
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    with torch.device("meta"):
        model = getattr(transformers, name)(config)
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    shared = frozenset(getattr(model, "all_tied_weights_keys", None) or ())
    return _Expected(shapes, shared, model)


def _compared(
    expected: _Expected, tensors: dict[str, Any], *, is_quantized: bool
) -> Iterator[Finding]:
    present: set[str] = set()
    surplus: list[str] = []
    for name, renamed, is_converted in _renamed(expected, tensors):
        plain, is_packed = _unpacked(renamed) if is_quantized else (renamed, False)
        if plain not in expected.shapes:
            if not _is_known(expected.model, renamed):
                surplus.append(name)
            continue
        present.add(plain)
        path, tensor = tensors[name]
        # Packed weights have shapes of their own, which QUANT-CONFIG judges.
        is_packed |= is_quantized and (tensor.dtype in ("U8", "I32") or plain != renamed)
        if not is_packed and not is_converted and tensor.shape != expected.shapes[plain]:
            needed = list(expected.shapes[plain])
            yield block(
                "CFG-SHAPE",
                f"{show(name)}: file {list(tensor.shape)}, config needs {needed}.",
                file=path,
                where=name,
            )
    missing = sorted(expected.shapes.keys() - present - expected.shared)
    missing = [name for name in missing if not is_buffer(name)]
    if missing:
        yield _keys("KEY-MISSING", missing, "are missing", is_grave=True)
    if surplus:
        grave = any(_is_beyond(expected, name) for name in surplus)
        yield _keys("KEY-UNEXPECTED", sorted(surplus), "are not used", is_grave=grave)


def _renamed(expected: _Expected, tensors: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """Each name in the files, the one that the loader makes of it, and whether it reshapes it too."""
    changes = get_model_conversion_mapping(expected.model)
    renamings = [change for change in changes if isinstance(change, WeightRenaming)]
    converters = [change for change in changes if isinstance(change, WeightConverter)]
    prefix = expected.model.base_model_prefix
    for name in tensors:
        renamed, pattern = rename_source_key(name, renamings, converters, prefix, expected.shapes)
        yield name, renamed, pattern is not None


def _unpacked(name: str) -> tuple[str, bool]:
    if match := _PACKED.search(name):
        return f"{name[: match.start()]}.weight", True
    if match := _BESIDE.search(name):
        return f"{name[: match.start()]}.weight", True
    return name, False


def _is_known(model: Any, name: str) -> bool:
    """Values that older versions saved, and those that the class says it leaves aside."""
    ignored = getattr(model, "_keys_to_ignore_on_load_unexpected", None) or ()
    return is_buffer(name) or any(re.search(pattern, name) for pattern in ignored)


def _is_beyond(expected: _Expected, name: str) -> bool:
    """A tensor of a layer that the configuration does not have, though it has others like it."""
    known = {_NUMBER.sub("0", each) for each in expected.shapes}
    [(_, renamed, _)] = _renamed(expected, {name: None})
    return _NUMBER.sub("0", _unpacked(renamed)[0]) in known


def _keys(check: str, names: list[str], what: str, *, is_grave: bool) -> Finding:
    find = block if is_grave else warn
    return find(
        check,
        f"{len(names)} tensors {what}, e.g. {show(names[0])}.",
        file=CONFIG,
        where=names[0],
        value=len(names),
        evidence={"tensors": names[:20]},
    )
