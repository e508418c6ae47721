"""Which tensors each method of quantization keeps for a module, of which kinds and shapes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from registry.checks.findings import show
from registry.checks.scanners.stored import Tensor

METHODS = ("gptq", "awq", "bitsandbytes", "fp8", "fbgemm_fp8", "compressed-tensors")
MAX_GROUP = 65_536

_HALF = ("F16", "BF16", "F32")
_FP8 = ("F8_E4M3", "F8_E5M2")
# How many values share a scale in 4-bit files of bitsandbytes; which, is written in the file.
_BLOCKS = (64, 128, 256, 512, 1024, 2048, 4096)
_QUANT_STATES = ("weight.quant_state.bitsandbytes__nf4", "weight.quant_state.bitsandbytes__fp4")


class LayoutProblem(Exception):
    """Why the settings name no layout that is known here; the text ends a sentence."""


@dataclass(frozen=True)
class Wanted:
    dtypes: tuple[str, ...]
    shapes: tuple[tuple[int, ...], ...]
    is_needed: bool = True


Parts = Mapping[str, Tensor]
Rule = Callable[[Parts, tuple[int, ...] | None], dict[str, Wanted]]


@dataclass(frozen=True)
class Layout:
    """A module is quantized if it has the tensor `mark` of such a dtype; `wanted` says, for the
    shape that it has unpacked (None where only the file knows), what each tensor must be."""

    mark: str
    mark_dtypes: tuple[str, ...]
    endings: tuple[str, ...]
    scales: tuple[str, ...]
    wanted: Rule
    zero_scales: bool = False


def layout_of(said: Any) -> Layout:
    """The layout that quantization_config names, or LayoutProblem."""
    if not isinstance(said, dict):
        raise LayoutProblem("quantization_config is not an object")
    method = said.get("quant_method")
    if method is None and ("load_in_4bit" in said or "load_in_8bit" in said):
        method = "bitsandbytes"
    if not isinstance(method, str) or method not in METHODS:
        known = ", ".join(METHODS)
        raise LayoutProblem(f"the method {show(method)} is not one of {known}")
    return _BY_METHOD[method](said)


def _integer(said: Mapping[str, Any], key: str, allowed: Callable[[int], bool]) -> int:
    value = said.get(key)
    if type(value) is not int or not allowed(value):
        raise LayoutProblem(f"{key} is {show(value)}, which the method does not know")
    return value


def _group(said: Mapping[str, Any]) -> int:
    return _integer(said, "group_size", lambda size: size == -1 or 0 < size <= MAX_GROUP)


def _unpacked(shape: tuple[int, ...], bits: int, packed: int) -> tuple[int, int]:
    if len(shape) != 2:
        raise LayoutProblem("is not a matrix")
    whole = [size * 32 // bits if place == packed else size for place, size in enumerate(shape)]
    return whole[0], whole[1]


def _words(values: int, bits: int) -> int:
    if values * bits % 32:
        raise LayoutProblem(f"does not divide into words: {values} values of {bits} bits")
    return values * bits // 32


def _gptq(said: Mapping[str, Any]) -> Layout:
    bits = _integer(said, "bits", lambda bits: bits in (2, 3, 4, 8))
    group = _group(said)

    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        if shape is None:
            inner, outer = _unpacked(parts["qweight"].shape, bits, 0)
        else:
            outer, inner = shape
        groups = 1 if group == -1 else -(-inner // group)
        return {
            "qweight": Wanted(("I32",), ((_words(inner, bits), outer),)),
            "qzeros": Wanted(("I32",), ((groups, _words(outer, bits)),)),
            "scales": Wanted(_HALF, ((groups, outer),)),
            "g_idx": Wanted(("I32",), ((inner,),), is_needed=said.get("desc_act") is True),
            "bias": Wanted(_HALF, ((outer,),), is_needed=False),
        }

    endings = ("qweight", "qzeros", "scales", "g_idx", "bias")
    return Layout("qweight", ("I32",), endings, ("scales",), wanted)


def _awq(said: Mapping[str, Any]) -> Layout:
    bits = _integer(said, "bits", lambda bits: bits == 4)
    group = _group(said)
    if (version := said.get("version", "gemm")) not in ("gemm", "GEMM"):
        raise LayoutProblem(f"the layout {show(version)} is not known here, only gemm is")

    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        if shape is None:
            inner, outer = _unpacked(parts["qweight"].shape, bits, 1)
        else:
            outer, inner = shape
        groups = 1 if group == -1 else -(-inner // group)
        return {
            "qweight": Wanted(("I32",), ((inner, _words(outer, bits)),)),
            "qzeros": Wanted(("I32",), ((groups, _words(outer, bits)),)),
            "scales": Wanted(_HALF, ((groups, outer),)),
            "bias": Wanted(_HALF, ((outer,),), is_needed=False),
        }

    endings = ("qweight", "qzeros", "scales", "bias")
    return Layout("qweight", ("I32",), endings, ("scales",), wanted)


def _bitsandbytes(said: Mapping[str, Any]) -> Layout:
    four, eight = said.get("load_in_4bit") is True, said.get("load_in_8bit") is True
    if four == eight:
        raise LayoutProblem("one of load_in_4bit and load_in_8bit must be true")
    return _bnb4(said) if four else _bnb8()


def _bnb8() -> Layout:
    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        outer, inner = shape or _matrix(parts["weight"])
        return {
            "weight": Wanted(("I8",), ((outer, inner),)),
            "SCB": Wanted(("F32",), ((outer,),)),
            "weight_format": Wanted(("U8",), ((),), is_needed=False),
        }

    return Layout("weight", ("I8",), ("weight", "SCB", "weight_format"), ("SCB",), wanted, True)


def _bnb4(said: Mapping[str, Any]) -> Layout:
    kind = said.get("bnb_4bit_quant_type", "fp4")
    if kind not in ("nf4", "fp4"):
        raise LayoutProblem(f"bnb_4bit_quant_type {show(kind)} is neither nf4 nor fp4")
    nested = said.get("bnb_4bit_use_double_quant") is True

    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        values = shape[0] * shape[1] if shape else 2 * parts["weight"].elements
        blocks = {(-(-values // size),) for size in _BLOCKS}
        nests = {(-(-count // 256),) for (count,) in blocks}
        state = f"weight.quant_state.bitsandbytes__{kind}"
        length = parts[state].shape if state in parts else (1,)
        return {
            "weight": Wanted(("U8",), ((-(-values // 2), 1), (1, -(-values // 2)))),
            "weight.absmax": Wanted(("U8",) if nested else ("F32",), tuple(sorted(blocks))),
            "weight.quant_map": Wanted(("F32",), ((16,),)),
            "weight.nested_absmax": Wanted(("F32",), tuple(sorted(nests)), is_needed=nested),
            "weight.nested_quant_map": Wanted(("F32",), ((256,),), is_needed=nested),
            state: Wanted(("U8",), (length,)),
        }

    names = ("absmax", "quant_map", "nested_absmax", "nested_quant_map")
    endings = ("weight", *(f"weight.{name}" for name in names), *_QUANT_STATES)
    return Layout("weight", ("U8",), endings, ("absmax", "nested_absmax"), wanted, True)


def _fp8(said: Mapping[str, Any]) -> Layout:
    size = said.get("weight_block_size")
    if size is not None and not _is_block(size):
        raise LayoutProblem(f"weight_block_size is {show(size)}, but must be two sizes")

    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        outer, inner = shape or _matrix(parts["weight"])
        blocks: tuple[tuple[int, ...], ...] = ((), (1,), (1, 1))
        if size is not None:
            blocks = ((-(-outer // size[0]), -(-inner // size[1])),)
        return {
            "weight": Wanted(_FP8, ((outer, inner),)),
            "weight_scale_inv": Wanted((*_HALF, "F8_E8M0"), blocks),
            "activation_scale": Wanted(_HALF, ((), (1,)), is_needed=False),
        }

    endings = ("weight", "weight_scale_inv", "activation_scale")
    return Layout("weight", _FP8, endings, endings[1:], wanted)


def _scaled(strategies: tuple[str, ...], size: Any) -> Layout:
    """Eight bits each, with a scale for the whole, for each row, or for each block."""

    def wanted(parts: Parts, shape: tuple[int, ...] | None) -> dict[str, Wanted]:
        outer, inner = shape or _matrix(parts["weight"])
        allowed: dict[str, tuple[tuple[int, ...], ...]] = {
            "tensor": ((), (1,), (1, 1)),
            "channel": ((outer, 1), (outer,)),
        }
        if "block" in strategies:
            allowed["block"] = ((-(-outer // size[0]), -(-inner // size[1])),)
        return {
            "weight": Wanted(_FP8, ((outer, inner),)),
            "weight_scale": Wanted(_HALF, tuple(s for name in strategies for s in allowed[name])),
            "input_scale": Wanted(_HALF, ((), (1,)), is_needed=False),
        }

    endings = ("weight", "weight_scale", "input_scale")
    return Layout("weight", _FP8, endings, endings[1:], wanted)


def _fbgemm(said: Mapping[str, Any]) -> Layout:
    return _scaled(("channel",), None)


def _compressed(said: Mapping[str, Any]) -> Layout:
    """Of the many formats of this method, the one whose tensors need no packing."""
    groups = said.get("config_groups")
    if said.get("format") not in ("float-quantized", "naive-quantized"):
        raise LayoutProblem(f"the format {show(said.get('format'))} is not float-quantized")
    if not isinstance(groups, dict) or not groups:
        raise LayoutProblem("config_groups is missing")
    strategies: list[str] = []
    size = None
    for group in groups.values():
        weights = group.get("weights") if isinstance(group, dict) else None
        if not isinstance(weights, dict):
            raise LayoutProblem("a group of config_groups has no weights")
        if weights.get("num_bits") != 8 or weights.get("type") != "float":
            raise LayoutProblem("the weights of config_groups are not fractions of 8 bits")
        strategy = weights.get("strategy")
        if strategy not in ("tensor", "channel", "block"):
            raise LayoutProblem(f"the strategy {show(strategy)} is not known here")
        if strategy == "block":
            size = weights.get("block_structure")
            if not _is_block(size):
                raise LayoutProblem("block_structure is not two sizes")
        strategies.append(strategy)
    return _scaled(tuple(dict.fromkeys(strategies)), size)


def _matrix(tensor: Tensor) -> tuple[int, int]:
    if len(tensor.shape) != 2:
        raise LayoutProblem("is not a matrix")
    return tensor.shape[0], tensor.shape[1]


def _is_block(size: Any) -> bool:
    return (
        isinstance(size, list)
        and len(size) == 2
        and all(type(item) is int and 0 < item <= MAX_GROUP for item in size)
    )


_BY_METHOD: dict[str, Callable[[Mapping[str, Any]], Layout]] = {
    "gptq": _gptq,
    "awq": _awq,
    "bitsandbytes": _bitsandbytes,
    "fp8": _fp8,
    "fbgemm_fp8": _fbgemm,
    "compressed-tensors": _compressed,
}
