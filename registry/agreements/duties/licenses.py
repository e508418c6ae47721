"""What the facts file says of a license, by its id: a reference is read as what it stands for."""

import re
from functools import cache
from typing import Any

from registry.agreements.duties.situation import Root
from registry.catalog import facts

_PATH = re.compile(r"licenses\[(?P<license>[\w.-]+)\]\.(?P<path>\w+(?:\.\w+)*)")
ROOT = "root_license"
# From the loosest to the strictest. What is not in the list is not known to be either.
COMMERCIAL_USE = (
    "allowed",
    "allowed_with_use_restrictions",
    "allowed_below_user_threshold",
    "forbidden",
)


@cache
def _entries() -> dict[str, dict[str, Any]]:
    return {entry["id"]: entry for entry in facts.read()["licenses"]}


def exists(license_id: str) -> bool:
    return license_id in _entries()


def resolved(license_id: str) -> str:
    """The id of the license whose terms count, where one only refers to another."""
    entry = _entries().get(license_id, {})
    return str(entry.get("same_terms_as") or license_id)


def of(license_id: str) -> dict[str, Any]:
    """The facts of a license; {} where the file has none."""
    return _entries().get(resolved(license_id), {})


def id_of(slug: str) -> str:
    """The id in the facts file of the document with this slug, resolved; else the slug itself."""
    return _by_slug().get(slug, slug)


@cache
def _by_slug() -> dict[str, str]:
    return {name.replace(".", "-"): resolved(name) for name in _entries()}


def title(license_id: str) -> str:
    return str(of(license_id).get("title") or license_id)


def commercial_use(license_id: str) -> str | None:
    """What the license says of commercial use, or None where that is not known."""
    said = of(license_id).get("commercial_use")
    return said if said in COMMERCIAL_USE else None


def strictness(license_id: str) -> int | None:
    said = commercial_use(license_id)
    return COMMERCIAL_USE.index(said) if said is not None else None


def policy_of(license_id: str) -> str | None:
    return of(license_id).get("acceptable_use_policy")


def limits_use(license_id: str) -> bool | None:
    """Whether the license has a list of forbidden uses to pass on; None where nothing is known."""
    said = of(license_id)
    if not said:
        return None
    return "pass_on_use_restrictions" in said.get("redistribution_duties", [])


def at(path: str, root: Root | None) -> Any:
    """The value of `licenses[ID].a.b`, where the id may be `root_license`; None where there is
    none."""
    match = _PATH.fullmatch(path)
    assert match is not None  # noqa: S101 - checked when the rules were read
    name = match["license"]
    if name == ROOT:
        if root is None:
            return None
        name = root.license
    value: Any = of(name)
    for key in match["path"].split("."):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def path_problem(path: str) -> str:
    """What is wrong with a path of the rules, or ''."""
    match = _PATH.fullmatch(path)
    if match is None:
        return f"{path!r} is no path into the licenses"
    if match["license"] != ROOT and not exists(match["license"]):
        return f"{path!r} names a license that the facts do not have"
    return ""
