"""Whether quantized weights are laid out as their method, bits and group size say (QUANT-CONFIG)."""

import re
from collections.abc import Iterator, Mapping

from registry.checks.findings import Finding, block, show
from registry.checks.scanners import layouts, limits, scales, shapes
from registry.checks.scanners.config import Model, models_of
from registry.checks.scanners.folder import Folder
from registry.checks.scanners.layouts import Layout, LayoutProblem, Wanted
from registry.checks.scanners.stored import Tensor, Tensors

_PLAIN = re.compile(r"F64|F32|F16|BF16")
_PROJECTION = re.compile(r"model\.layers\.\d+\.(self_attn|mlp)\.[a-z]+_proj\.weight")


def check(folder: Folder) -> Iterator[Finding]:
    for model in models_of(folder):
        if model.config is None or model.tensors is None:
            continue
        said = model.config.get("quantization_config")
        if said is None:
            yield from _unnamed(model, model.tensors)
            continue
        try:
            layout = layouts.layout_of(said)
        except LayoutProblem as problem:
            yield _finding(model, "quantization_config", str(problem))
            continue
        problems = 0
        for where, why in _problems(model, model.tensors, layout):
            problems += 1
            yield _finding(model, where, why)
        if not problems:
            yield from _bad_scales(folder, model, layout)


def _unnamed(model: Model, tensors: Tensors) -> Iterator[Finding]:
    """Packed numbers that a loader would take for weights, since nothing says how to unpack them."""
    for name, (_, tensor) in tensors.items():
        if name.endswith((".qweight", ".absmax", ".SCB")) or tensor.dtype.startswith("F8_"):
            why = f"{show(name)} is quantized, but quantization_config is missing"
            yield _finding(model, name, why)
            return


def _problems(model: Model, tensors: Tensors, layout: Layout) -> Iterator[tuple[str, str]]:
    expected = _expected(model)
    modules = _modules(tensors, layout)
    for name, shape in expected.items():
        module = name.removesuffix(".weight")
        if _PROJECTION.fullmatch(name) and module in modules:
            yield from _module_problems(module, modules.pop(module), layout, shape)
        elif name not in tensors:
            yield name, f"{show(name)} is missing"
        elif (found := tensors[name][1]).shape != shape or not _PLAIN.fullmatch(found.dtype):
            held = f"{list(found.shape)} of {found.dtype}"
            yield name, f"{show(name)} is {held}, config needs {list(shape)} of plain numbers"
    for module, parts in modules.items():
        yield from _module_problems(module, parts, layout, None)


def _expected(model: Model) -> dict[str, tuple[int, ...]]:
    """Names and shapes before quantizing, where they follow from the configuration."""
    config = model.config or {}
    if not model.is_plain_llama or limits.problems_of(config):
        return {}
    return shapes.expected_of(config)


def _modules(tensors: Tensors, layout: Layout) -> dict[str, dict[str, Tensor]]:
    """The quantized modules, each with its tensors by the end of their names."""
    found: dict[str, dict[str, Tensor]] = {
        name.removesuffix(f".{layout.mark}"): {}
        for name, (_, tensor) in tensors.items()
        if name.endswith(f".{layout.mark}") and tensor.dtype in layout.mark_dtypes
    }
    for module, parts in found.items():
        for ending in layout.endings:
            if (name := f"{module}.{ending}") in tensors:
                parts[ending] = tensors[name][1]
    return found


def _module_problems(
    module: str, parts: Mapping[str, Tensor], layout: Layout, shape: tuple[int, ...] | None
) -> Iterator[tuple[str, str]]:
    try:
        wanted = layout.wanted(parts, shape)
    except LayoutProblem as problem:
        yield module, f"{show(module)} {problem}"
        return
    for ending, need in wanted.items():
        name = f"{module}.{ending}"
        if ending not in parts:
            if need.is_needed:
                yield name, f"{show(name)} is missing"
        elif why := _mismatch(parts[ending], need):
            yield name, f"{show(name)} {why}"


def _mismatch(tensor: Tensor, need: Wanted) -> str | None:
    if tensor.dtype not in need.dtypes:
        return f"holds {tensor.dtype}, but must hold {' or '.join(need.dtypes)}"
    if tensor.shape not in need.shapes:
        shapes_needed = " or ".join(str(list(shape)) for shape in need.shapes)
        return f"is {list(tensor.shape)}, but bits and group size need {shapes_needed}"
    return None


def _bad_scales(folder: Folder, model: Model, layout: Layout) -> Iterator[Finding]:
    for name, (path, tensor) in (model.tensors or {}).items():
        if name.rsplit(".", 1)[-1] not in layout.scales:
            continue
        folder.reading = path
        if scales.are_sound(folder, path, tensor, zero=layout.zero_scales) is False:
            least = "negative" if layout.zero_scales else "zero, negative"
            yield _finding(model, name, f"{show(name)} holds scales that are {least} or no numbers")


def _finding(model: Model, where: str, why: str) -> Finding:
    text = f"{show(model.config_path)}: {why}."
    return block("QUANT-CONFIG", text, file=model.config_path, where=where)
