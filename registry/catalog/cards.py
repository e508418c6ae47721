"""The model card: its front matter, read strictly, and the tags that follow from it."""

import json
import re
from collections.abc import Iterable
from typing import Any, NoReturn

import yaml
from django.utils.translation import gettext

from registry.catalog import questions
from registry.errors import Invalid

MAX_FRONT_MATTER = 64 * 1024
MAX_DEPTH = 16
MAX_TAGS = 200
MAX_ARCHITECTURES = 20
# The largest integer that every reader of JSON holds exactly; larger ones become text.
MAX_INTEGER = 2**53 - 1
MAX_BITS = 1024
RELATIONS = ("finetune", "adapter", "quantized", "merge")
# What tools that quantize put beside the weights, where config.json does not say it
QUANTIZED = ("quantize_config.json", "quant_config.json", "hf_quant_config.json")
# A paper by its number, in an address or as people write it
_ARXIV = re.compile(r"\barxiv(?:\.org/(?:abs|pdf)/|:\s?)(\d{4}\.\d{4,5})(?!\d)", re.IGNORECASE)
MAX_PAPERS = 20
REPO_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[A-Za-z0-9][\w.-]{0,95})?")
# A code of ISO 639 with its subtags, and two words that cards use in place of one
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8}){0,3}|code|multilingual")
LIST_KEYS = ("tags", "datasets", "metrics")
TEXT_KEYS = ("license_name", "license_link", "pipeline_tag", "library_name", "base_model_relation")


class _Loader(yaml.SafeLoader):
    """Safe YAML without aliases, so that a small card cannot unfold into a large one, and without
    tags, so that a value is what it looks like."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed")
        if event.tag is not None:
            raise yaml.YAMLError("tags (!name) are not allowed")
        if self.depth > MAX_DEPTH:
            raise yaml.YAMLError(f"it is nested deeper than {MAX_DEPTH}")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


# YAML 1.1 reads a bare `no` as false and dates as objects; a card means the text.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def split(text: str) -> tuple[str | None, str]:
    """The front matter (None where there is none) and the prose below it."""
    body = text.lstrip("\ufeff").lstrip("\r\n")
    match = re.match(r"---[ \t]*\r?\n(.*?)(?:\r?\n)?^---[ \t]*\r?$\n?", body, re.S | re.M)
    if match is None:
        return None, text
    return match.group(1), body[match.end() :]


def parse(text: str) -> dict[str, Any]:
    """The front matter as a mapping of JSON values; {} where there is none. Raises Invalid."""
    front, _ = split(text)
    if front is None:
        return {}
    if len(front.encode("utf-8", "surrogatepass")) > MAX_FRONT_MATTER:
        raise Invalid(
            gettext("The front matter is larger than %(most)s KiB.")
            % {"most": MAX_FRONT_MATTER // 1024}
        )
    try:
        data = yaml.load(front, Loader=_Loader)  # noqa: S506 - a SafeLoader
    # Of the numbers that YAML knows, Python refuses some with an error of its own.
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        where = getattr(error, "problem_mark", None)
        line = f" (line {where.line + 2})" if where else ""
        raise Invalid(
            gettext("The front matter is not valid YAML%(line)s: %(error)s")
            % {"line": line, "error": _first_line(error)}
        ) from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise Invalid(gettext("The front matter must be a mapping of keys to values."))
    card = _json(data)
    if "language" in card:
        card["language"] = _languages(card["language"])
    return card


def configuration(raw: bytes) -> dict[str, Any]:
    """What a config.json says of the architecture, where it says it as text; {} where it cannot
    be read. What is wrong with the file is for the checks to say."""
    try:
        value = json.loads(raw, parse_constant=_refused)
    except (ValueError, RecursionError):
        return {}
    if not isinstance(value, dict):
        return {}
    found: dict[str, Any] = {}
    names = value.get("architectures")
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        found["architectures"] = [_clean(name)[:200] for name in names[:MAX_ARCHITECTURES]]
    if isinstance(value.get("model_type"), str):
        found["model_type"] = _clean(value["model_type"])[:200]
    quantized = value.get("quantization_config")
    if isinstance(quantized, dict) and isinstance(quantized.get("quant_method"), str):
        method = _clean(quantized["quant_method"])[:200]
        found["quantization_config"] = {"quant_method": method}
    if isinstance(value.get("vision_config"), dict):
        found["vision_config"] = {}
    return found


def problems(card: dict[str, Any], *, known_licenses: Iterable[str]) -> list[str]:
    """What is wrong with a parsed front matter: one sentence for each kind of mistake, since a card
    has room for thousands of one kind."""
    found: list[str] = []
    licenses = set(known_licenses)
    if not all(isinstance(name, str) and name in licenses for name in as_list(card.get("license"))):
        found.append(f'"license" must be one of [{", ".join(sorted(licenses))}]')
    if "other" in as_list(card.get("license")) and not card.get("license_name"):
        found.append('"license_name" is required with "license: other"')
    bases = as_list(card.get("base_model"))
    if not all(isinstance(base, str) and REPO_ID.fullmatch(base) for base in bases):
        found.append('"base_model" must be the id of a model, or a list of ids')
    if card.get("base_model_relation") not in (None, *RELATIONS):
        found.append(f'"base_model_relation" must be one of [{", ".join(RELATIONS)}]')
    found += [
        f'"{key}" must be text' for key in TEXT_KEYS if not isinstance(card.get(key, ""), str)
    ]
    for key in LIST_KEYS:
        if not all(isinstance(value, str) for value in as_list(card.get(key))):
            found.append(f'"{key}" must be a list of texts')
    if not isinstance(card.get("model-index", []), list):
        found.append('"model-index" must be a list')
    elif not all(_has_results(one) for one in card.get("model-index", [])):
        found.append(
            '"model-index" must be a list of objects with "name" and "results", and each result '
            'have a "task", a "dataset" and "metrics"'
        )
    if not _is_amount(card.get("co2_eq_emissions")):
        found.append('"co2_eq_emissions" must be a number, or an object with "emissions"')
    codes = as_list(card.get("language"))
    if not all(isinstance(code, str) and _LANGUAGE.fullmatch(code) for code in codes):
        found.append('"language" must be a language code, or a list of codes')
    return found + questions.problems(card)


def _has_results(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and isinstance(one.get("name"), str)
        and isinstance(one.get("results"), list)
        and all(_is_result(result) for result in one["results"])
    )


def _is_result(one: Any) -> bool:
    return (
        isinstance(one, dict)
        and _is_typed(one.get("task"))
        and _is_typed(one.get("dataset"))
        and isinstance(one["dataset"].get("name"), str)
        and isinstance(one.get("metrics"), list)
        and all(_is_typed(metric) and "value" in metric for metric in one["metrics"])
    )


def _is_typed(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("type"), str)


def _is_amount(value: Any) -> bool:
    if isinstance(value, dict):
        value = value.get("emissions")
    return isinstance(value, int | float | None) and not isinstance(value, bool)


def warnings(card: dict[str, Any]) -> list[str]:
    """What a careful author would add."""
    if not card:
        return ["empty or missing yaml metadata in repo card"]
    if not card.get("license"):
        return ['"license" is missing: without one the model cannot be released']
    return []


# Patterns of LIKE for the file names that say something of a model: one of each is enough
TELLING = ("%.safetensors", "%.gguf", "%.bin", "%.pth", r"adapter\_config.json")


def tags(
    card: dict[str, Any],
    paths: Iterable[str],
    config: dict[str, Any],
    papers: Iterable[str] = (),
) -> list[str]:
    """The tags that follow from a card, the file names, config.json and the papers that the text
    names; sorted, without repeats."""
    names = list(paths)
    found = {str(tag)[:200] for tag in as_list(card.get("tags"))}
    found |= {str(code)[:200] for code in as_list(card.get("language"))}
    found |= {str(card[key])[:200] for key in ("pipeline_tag", "library_name") if card.get(key)}
    found |= {f"license:{name}"[:200] for name in as_list(card.get("license"))}
    found |= {f"dataset:{name}"[:200] for name in as_list(card.get("datasets"))}
    for base in as_list(card.get("base_model")):
        how = relation(card, names, config)
        found |= {f"base_model:{base}"[:200], f"base_model:{how}:{base}"[:200]}
    if any(name.endswith(".safetensors") for name in names):
        found.add("safetensors")
    if any(name.endswith(".gguf") for name in names):
        found.add("gguf")
    if any(name.endswith((".bin", ".pth")) for name in names):
        found.add("pytorch")
    if isinstance(config.get("model_type"), str):
        found.add(config["model_type"][:200])
    found |= set(papers)
    return sorted(found)[:MAX_TAGS]


def relation(card: dict[str, Any], paths: Iterable[str], config: dict[str, Any]) -> str:
    """How the model relates to its base: as declared, else as the files suggest."""
    declared = card.get("base_model_relation")
    if declared in RELATIONS:
        return str(declared)
    names = list(paths)
    if len(as_list(card.get("base_model"))) > 1:
        return "merge"
    if "adapter_config.json" in names:
        return "adapter"
    is_packed = any(name.endswith(".gguf") or name in QUANTIZED for name in names)
    if is_packed or "quantization_config" in config:
        return "quantized"
    return "finetune"


def papers(text: str) -> list[str]:
    """The tags of the papers that a card's text names, each once."""
    found = dict.fromkeys(f"arxiv:{number}" for number in _ARXIV.findall(text))
    return list(found)[:MAX_PAPERS]


def as_list(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _languages(value: Any) -> Any:
    def code(item: Any) -> Any:
        return "no" if item is False else item

    return [code(item) for item in value] if isinstance(value, list) else code(value)


def _json(value: Any) -> Any:
    """JSON as the database, every reader and the canonical form take it."""
    if isinstance(value, dict):
        return {_key(key): _json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _clean(value)
    # The database turns a large float into an integer, so both have one bound. NaN has none.
    if isinstance(value, int | float) and abs(value) <= MAX_INTEGER:
        return value
    return _large(value)


def _key(key: Any) -> str:
    return _large(key) if isinstance(key, int) else _clean(str(key))


def _large(value: Any) -> str:
    """A number as text, where it is not so long that Python itself will not write it."""
    if isinstance(value, int) and value.bit_length() > MAX_BITS:
        raise Invalid(gettext("The front matter holds a number of too many digits."))
    return str(value)


def _clean(text: str) -> str:
    """Without zero bytes; halves of characters are put together or replaced."""
    pairs = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return pairs.replace("\0", "")


def _refused(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _first_line(error: Exception) -> str:
    text = getattr(error, "problem", None) or str(error)
    return str(text).splitlines()[0][:200] if str(text) else "it cannot be read"
