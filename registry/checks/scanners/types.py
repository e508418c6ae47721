"""Which types of files are accepted (UPL-TYPE), judged by name; the content is judged in `magic`."""

import re
from collections.abc import Iterator
from enum import StrEnum

from registry.checks.findings import Finding, block, show
from registry.checks.scanners.folder import Folder


class Kind(StrEnum):
    SAFETENSORS = "safetensors"
    GGUF = "GGUF"
    CHECKPOINT = "PyTorch checkpoint"
    TEXT = "text"
    TOKENIZER = "tokenizer model"
    PICTURE = "picture"
    DOCUMENT = "document"
    OTHER = "other"


_CHECKPOINTS = re.compile(
    r"(.*/)?(pytorch_model(-\d{5}-of-\d{5})?|adapter_model)\.bin"
    r"|(.*/)?original/consolidated\.\d{2}\.pth"
)
_BARE_TEXTS = re.compile(r"(\.gitattributes|\.gitignore|(license|notice|use_policy)[^/]*)")
_ENDINGS = {
    "safetensors": Kind.SAFETENSORS,
    "gguf": Kind.GGUF,
    "model": Kind.TOKENIZER,
    **dict.fromkeys(("json", "jinja", "md", "txt", "yaml", "yml", "csv", "tsv"), Kind.TEXT),
    **dict.fromkeys(("png", "jpg", "webp", "gif"), Kind.PICTURE),
    **dict.fromkeys(("svg", "pdf"), Kind.DOCUMENT),
}
_REFUSED = {
    **dict.fromkeys(("zip", "tar", "gz", "tgz", "bz2", "xz", "7z", "zst", "rar"), "Archive"),
    **dict.fromkeys(("py", "sh", "js", "bat", "ps1", "rb", "pl", "lua", "cu", "c", "cpp"), "Code"),
    "ipynb": "Notebook",
    **dict.fromkeys(("pkl", "pickle", "joblib", "dill"), "Pickle"),
    **dict.fromkeys(("pt", "pth", "ckpt", "bin"), "Other checkpoint"),
    **dict.fromkeys(("h5", "hdf5", "keras", "pb", "tflite", "msgpack"), "Keras and TensorFlow"),
    "onnx": "ONNX",
    **dict.fromkeys(("nemo", "skops", "llamafile"), "Packed model"),
    **dict.fromkeys(("npy", "npz"), "Numpy"),
    **dict.fromkeys(("exe", "dll", "so", "dylib", "wasm"), "Program"),
}


def kind_of(path: str) -> Kind:
    lowered = path.lower()
    name = lowered.rsplit("/", 1)[-1]
    if _CHECKPOINTS.fullmatch(lowered):
        return Kind.CHECKPOINT
    ending = name.rsplit(".", 1)[-1] if "." in name else ""
    if ending in _REFUSED:
        return Kind.OTHER
    if _BARE_TEXTS.fullmatch(name):
        return Kind.TEXT
    return _ENDINGS.get(ending, Kind.OTHER)


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.files:
        if kind_of(file.path) is not Kind.OTHER:
            continue
        name = file.path.rsplit("/", 1)[-1]
        ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
        what = _REFUSED.get(ending) or (f".{show(ending)}" if ending else "Nameless")
        yield block(
            "UPL-TYPE",
            f"{show(file.path)}: {what} files are not accepted here. "
            "Convert weights to safetensors or GGUF; delete what is not part of the model.",
            file=file.path,
        )
