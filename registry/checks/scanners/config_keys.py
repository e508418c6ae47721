"""Configuration that would make a loader run code or fetch files from elsewhere (SEC-CONFIG)."""

import re
from collections.abc import Iterator
from typing import Any

from registry.checks.findings import Finding, ModelFile, block, show, warn
from registry.checks.scanners.folder import Folder, Problem
from registry.checks.scanners.walk import keys_of, texts_of

# tokenizer.json, vocab.json and indexes name no files that a loader would follow unasked.
_CONFIGS = re.compile(r"(.*/)?([a-z_]*config|special_tokens_map|params)\.json")
_BACKEND = re.compile(r".*(attn|experts)_implementation.*")
_BACKENDS = (None, True, False, "eager", "sdpa")
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,20}://")
_ABSOLUTE = re.compile(r"(/[\w.~-]+(/[\w.~ -]+)*/?|~/.*|[A-Za-z]:[\\/].*|\\\\.*)")
_PARENT = re.compile(r"(.*[\\/])?\.\.([\\/].*)?")
# Loaders would read these in place of the files that are checked and run.
_OTHER_FILES = ("configuration_files", "fast_tokenizer_files", "transformers_weights")
# As libraries save it where nobody asked for that backend.
_UNUSED_CORE = (None, "megatron.core")
# Loaders only write these down; they never open them.
_NOTES = ("_name_or_path", "name_or_path")
# Free text and tokens, in which slashes mean nothing.
_FREE = (
    "chat_template",
    "content",
    "description",
    "additional_special_tokens",
    "extra_special_tokens",
    "stop_strings",
)


def check(folder: Folder) -> Iterator[Finding]:
    for file in folder.ending(".json"):
        if not _CONFIGS.fullmatch(file.path):
            continue
        try:
            value = folder.json(file.path)
        except Problem:
            continue
        for key, item in keys_of(value):
            if why := _key_problem(folder, file, key, item):
                yield block(
                    "SEC-CONFIG",
                    f"{show(file.path)}: {show(key)} is not allowed ({why}).",
                    file=file.path,
                    where=key,
                )
        for key, text in texts_of(value):
            if finding := _text_finding(file, key, text):
                yield finding


def _key_problem(folder: Folder, file: ModelFile, key: str, item: Any) -> str | None:
    if key == "trust_remote_code":
        return "it asks loaders to run code"
    if key == "use_kernels" and item not in (None, False):
        return "it fetches compiled code"
    if key == "auto_mapping" and item is not None:
        return "it names classes to import"
    if key in _OTHER_FILES and item is not None:
        return "it makes loaders read other files than usual"
    if key == "megatron_config" and item is not None:
        return "it makes loaders import a library"
    if key == "megatron_core" and item not in _UNUSED_CORE:
        return "it names a library to import"
    if _BACKEND.fullmatch(key) and not _is_plain_backend(item):
        return "only eager and sdpa are"
    if key.endswith("_file") and item is not None:
        if not isinstance(item, str) or "/" in item or "\\" in item:
            return "it is not a plain file name"
        if folder.beside(file.path, item) is None:
            return f"{show(item)} is not in this revision"
    return None


def _is_plain_backend(item: Any) -> bool:
    if isinstance(item, dict):  # one for each part of the model
        return all(_is_plain_backend(part) for part in item.values())
    return isinstance(item, str | bool | None) and item in _BACKENDS


def _text_finding(file: ModelFile, key: str, text: str) -> Finding | None:
    if key in _FREE or key.endswith("_token") or len(text) > 4096:
        return None
    if _REMOTE.match(text):
        why = "it points to another place on the network"
    elif _ABSOLUTE.fullmatch(text):
        why = "it points to a place on a disk"
    elif _PARENT.fullmatch(text):
        why = "it points out of the folder"
    else:
        return None
    find = warn if key in _NOTES else block
    return find(
        "SEC-CONFIG",
        f"{show(file.path)}: {show(key)} is not allowed ({why}).",
        file=file.path,
        where=key,
        value=text,
    )
