"""What facets and their values are called on pages."""

from functools import cache
from typing import Any

from django.conf.locale import LANG_INFO
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from registry.catalog import facts

KEYS: dict[str, Any] = {
    "family": _("Family"),
    "generation": _("Generation"),
    "task": _("Task"),
    "modality": _("Modality"),
    "relation": _("Relation to a base"),
    "method": _("Training method"),
    "format": _("Format"),
    "quantization": _("Quantization"),
    "license": _("License"),
    "access": _("Access"),
    "verdict": _("Checks"),
    "smoke": _("Smoke test"),
    "language": _("Language"),
    "domain": _("Domain"),
    "base": _("Base model"),
    "dataset": _("Dataset"),
    "parameters": _("Parameters"),
    "context": _("Context length"),
}
_VALUES: dict[str, dict[str, Any]] = {
    "modality": {
        "text": _("Text"),
        "image": _("Images"),
        "audio": _("Audio"),
        "video": _("Video"),
    },
    "relation": {
        "base": _("Base model"),
        "finetune": _("Fine-tune"),
        "adapter": _("Adapter"),
        "merge": pgettext_lazy("facet", "Merge"),
        "quantized": _("Quantized"),
    },
    "access": {
        "open": _("Open to everybody"),
        "terms": _("Accept terms"),
        "ask": pgettext_lazy("facet", "Ask for access"),
        "manual": _("A person decides"),
    },
    "verdict": {
        "passed": _("Passed"),
        "warned": _("Passed with warnings"),
        "blocked": _("Blocked"),
        "error": _("Could not be completed"),
    },
    "smoke": {
        "passed": _("Passed"),
        "warned": _("Passed with warnings"),
        "blocked": _("Blocked"),
        "not-run": _("Not run"),
    },
    "domain": {
        "agents": _("Agents and tools"),
        "biology": _("Biology"),
        "chemistry": _("Chemistry"),
        "climate": _("Climate"),
        "code": _("Programming"),
        "education": _("Education"),
        "finance": _("Finance"),
        "law": _("Law"),
        "mathematics": _("Mathematics"),
        "medicine": _("Medicine"),
        "role-play": _("Role play and stories"),
        "safety": _("Safety"),
        "science": _("Science"),
        "security": _("Security"),
    },
    "method": {
        "distillation": _("Distillation"),
        "merge": pgettext_lazy("facet", "Merge"),
        "pretraining": _("Pretraining"),
        "pruning": _("Pruning"),
        "qat": _("Quantization-aware training"),
        "sft": _("Supervised fine-tuning (SFT)"),
    },
    "format": {
        "gguf": "GGUF",
        "mlx": "MLX",
        "onnx": "ONNX",
        "openvino": "OpenVINO",
        "pytorch": "PyTorch",
        "safetensors": "Safetensors",
    },
}
# Words that are written in capitals wherever they are read
_CAPITALS = ("method", "quantization")


def label(key: str, value: str) -> str:
    """How a value of a facet reads."""
    known = _VALUES.get(key, {}).get(value)
    if known is not None:
        return str(known)
    if key == "generation":
        return _generations().get(value, value)
    if key == "language" and value in LANG_INFO and "name" in LANG_INFO[value]:
        return gettext(LANG_INFO[value]["name"])
    if key == "family":
        return value[:1].upper() + value[1:]
    return value.upper() if key in _CAPITALS else value


@cache
def _generations() -> dict[str, str]:
    """Names of the published families, by the slug that the catalog has for them."""
    return {one["id"].replace(".", "-"): one["name"] for one in facts.read()["families"]}
