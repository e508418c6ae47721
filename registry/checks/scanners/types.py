"""Which types of files are accepted (UPL-TYPE), judged by name; the content is judged in `magic`."""

import re
from collections.abc import Iterable, Iterator
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
    TABLE = "table"
    COMPRESSED = "compressed text"
    OTHER = "other"


# The publisher's own layout; of the largest models it comes for 8 and for 16 devices
ORIGINAL = re.compile(r"(.*/)?original/(mp\d{1,2}/)?consolidated\.\d{2}\.pth")
_CHECKPOINTS = re.compile(
    rf"(.*/)?(pytorch_model(-\d{{5}}-of-\d{{5}})?|adapter_model)\.bin|{ORIGINAL.pattern}"
)
_BARE_TEXTS = re.compile(r"(\.gitattributes|\.gitignore|(license|notice|use_policy)[^/]*)")
_ENDINGS = {
    "safetensors": Kind.SAFETENSORS,
    "gguf": Kind.GGUF,
    "model": Kind.TOKENIZER,
    **dict.fromkeys(("json", "jinja", "md", "txt", "yaml", "yml", "csv", "tsv"), Kind.TEXT),
    **dict.fromkeys(("png", "jpg", "jpeg", "webp", "gif"), Kind.PICTURE),
    **dict.fromkeys(("svg", "pdf"), Kind.DOCUMENT),
}
# What a dataset is made of; in a model it is nothing that a loader reads
_OF_DATASETS = {
    "parquet": Kind.TABLE,
    "arrow": Kind.TABLE,
    "jsonl": Kind.TEXT,
}
_COMPRESSED_TEXT = re.compile(r".*\.(json|jsonl|csv|tsv|txt)\.zst")
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
# What people upload along with a model: what it is, and what to do about it
_LEFTOVERS = (
    (
        re.compile(
            r"(.*/)?(training_args\.bin|(optimizer|scheduler|scaler)(_\d+)?\.(pt|bin)|rng_state(_\d+)?\.pth"
            r"|[a-z_0-9]*(optim|model)_states\.pt)"
        ),
        "Training state",
        "They are not needed to run the model; delete them.",
    ),
    (
        re.compile(r"(.*/)?consolidated[^/]*\.pth"),
        "Unnumbered checkpoint",
        "The publisher's own layout is accepted as original/consolidated.00.pth, .01.pth and so on, "
        "also below original/mp8/ and original/mp16/; rename it, or convert it to safetensors.",
    ),
    (
        re.compile(r"(.*/)?([^/]*[._-])?imatrix([._-][^/]*)?\.dat|.*\.imatrix"),
        "Importance matrix",
        "They are not needed to run the model; delete them and upload the quantized model as GGUF.",
    ),
)
_REMEDY = "Convert weights to safetensors or GGUF; delete what is not part of the model."
_REMEDY_OF_DATASET = (
    "Data is taken as parquet, arrow, jsonl, json, csv, tsv or txt, and as text compressed with "
    "zst (.jsonl.zst); delete what is not part of the dataset."
)


def kind_of(path: str, *, in_dataset: bool = False) -> Kind:
    lowered = path.lower()
    name = lowered.rsplit("/", 1)[-1]
    if _CHECKPOINTS.fullmatch(lowered):
        return Kind.CHECKPOINT
    ending = name.rsplit(".", 1)[-1] if "." in name else ""
    if in_dataset and _COMPRESSED_TEXT.fullmatch(name):
        return Kind.COMPRESSED
    if in_dataset and ending in _OF_DATASETS:
        return _OF_DATASETS[ending]
    if ending in _REFUSED:
        return Kind.OTHER
    if _BARE_TEXTS.fullmatch(name):
        return Kind.TEXT
    return _ENDINGS.get(ending, Kind.OTHER)


def to_delete(paths: Iterable[str], *, in_dataset: bool = False) -> list[str]:
    """The files that one commit has to delete, so that only accepted types are left."""
    return [path for path in paths if kind_of(path, in_dataset=in_dataset) is Kind.OTHER]


def check(folder: Folder) -> Iterator[Finding]:
    refused = to_delete((file.path for file in folder.files), in_dataset=folder.is_dataset)
    for file in (folder.by_path[path] for path in refused):
        what, remedy = _refusal_of(file.path)
        yield block(
            "UPL-TYPE",
            f"{show(file.path)}: {what} files are not accepted here. "
            f"{_REMEDY_OF_DATASET if folder.is_dataset else remedy}",
            file=file.path,
            # Once is enough: it is the list of all of them.
            evidence={"delete": refused} if file.path == refused[0] else {},
        )


def _refusal_of(path: str) -> tuple[str, str]:
    """What files of this name are, and what their author does about it."""
    lowered = path.lower()
    for pattern, what, remedy in _LEFTOVERS:
        if pattern.fullmatch(lowered):
            return what, remedy
    name = lowered.rsplit("/", 1)[-1]
    ending = name.rsplit(".", 1)[-1] if "." in name else ""
    return _REFUSED.get(ending) or (f".{show(ending)}" if ending else "Nameless"), _REMEDY
