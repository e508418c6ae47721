"""Situations that tests ask the rules about."""

from typing import Any

from registry.agreements.duties import licenses
from registry.agreements.duties.situation import File, Root, Situation
from registry.catalog import facts

TEXTS = {
    "license": "license words",
    "policy": "policy words",
}


def of_case(entry: dict[str, Any]) -> Situation:
    """The situation that a case of the data file describes.

    A case names a file by what it should hold: LICENSE stands for the stored text of the root's
    license, NOTICE for its line, USE_POLICY.md for its policy. Whatever a case leaves out is not
    known, save what follows from the rest: the ancestors are the roots and parents that it names.
    """
    named = entry.get("parent_licenses") or [entry["root_license"]]
    roots = tuple(_root(name, entry) for name in named)
    main = roots[0].license
    files = (
        {name: _as_it_should_be(name, main) for name in entry["files"]}
        if "files" in entry
        else None
    )
    trained = entry.get("trained_on_outputs_of_license")
    declared = entry.get("declared_license")
    return Situation(
        roots=roots,
        relation=entry.get("relation"),
        distributed=entry.get("distributed"),
        repository_name=entry.get("repository_name"),
        files=files,
        card_text=entry.get("card_text"),
        declared_licenses=(declared,) if declared else None,
        ancestor_licenses=tuple(root.license for root in roots),
        parent_licenses=tuple(entry["parent_licenses"]) if "parent_licenses" in entry else None,
        trained_on_outputs_of=(trained,) if trained else None,
        is_large_language_model=entry.get("is_large_language_model"),
        texts=stored_texts(main),
        declared_purpose=entry.get("declared_purpose"),
        action=entry.get("action"),
        requester_kind=entry.get("requester_kind"),
        requester_country=entry.get("requester_country"),
        monthly_active_users=entry.get("monthly_active_users"),
    )


def stored_texts(license_id: str) -> dict[str, frozenset[str]]:
    """What the site holds: a text of the license, and of its policy where it has one."""
    held = {license_id: frozenset({TEXTS["license"]})}
    if policy := licenses.policy_of(license_id):
        held[policy] = frozenset({TEXTS["policy"]})
    return held


def _as_it_should_be(name: str, license_id: str) -> File:
    if name.lower().startswith("notice"):
        line = licenses.of(license_id).get("attribution_notice", {}).get("text", "")
        return File(text=f"Some words.\n{line}\n", normalised="notice words")
    words = TEXTS["policy" if name.startswith("USE_POLICY") else "license"]
    return File(text=words, normalised=words)


def _root(name: str, entry: dict[str, Any]) -> Root:
    modalities = None
    if variant := entry.get("root_variant"):
        modalities = frozenset(_variant(variant)["modalities"]["input"])
    return Root(name, modalities=modalities)


def _variant(name: str) -> dict[str, Any]:
    return next(one for one in facts.read()["variants"] if one["id"] == name)


def fine_tune(**changes: Any) -> Situation:
    """A fine-tune of Llama 3.1 with all that its license asks for."""
    license_id = changes.pop("license", "llama3.1")
    said: dict[str, Any] = {
        "roots": (Root(license_id, modalities=frozenset({"text"})),),
        "relation": "finetune",
        "distributed": True,
        "repository_name": "Llama-3-Med",
        "owner": "lab",
        "files": {
            name: _as_it_should_be(name, license_id)
            for name in ("LICENSE", "NOTICE", "USE_POLICY.md", "README.md")
        },
        "card_text": "Built with Llama. Built with Meta Llama 3.",
        "front_matter": {
            "license": license_id,
            "base_model": "meta/base",
            "base_model_relation": "finetune",
            "gated": "auto",
        },
        "declared_licenses": (license_id,),
        "ancestor_licenses": (license_id,),
        "parent_licenses": (license_id,),
        "any_ancestor_gated": True,
        "trained_on_outputs_of": (),
        "is_large_language_model": True,
        "is_derivative": True,
        "contains_full_weights": True,
        "fields": {"quantization.scheme": "Q4_K_M"},
        "texts": stored_texts(license_id),
        "declared_purpose": "non-commercial research",
        "action": "release",
        "requester_kind": "person",
        "requester_country": "NO",
        "requester_role": "downloader",
        "received_as": "the model itself",
    }
    return Situation(**(said | changes))
