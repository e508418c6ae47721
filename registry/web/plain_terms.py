"""A license's facts as sentences for people: what it allows, what it asks, what it forbids."""

from dataclasses import dataclass, field
from typing import Any

from django.utils.formats import number_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from registry.catalog.facts import read as published
from registry.web.fact_words import granted, said

_COMMERCIAL = {
    "allowed": gettext_lazy("Commercial use is allowed."),
    "allowed_below_user_threshold": gettext_lazy(
        "Commercial use is allowed, up to a number of users."
    ),
    "allowed_with_use_restrictions": gettext_lazy(
        "Commercial use is allowed within the use restrictions."
    ),
    "depends_on_variant": gettext_lazy(
        "Whether commercial use is allowed depends on the variant of the license."
    ),
    "forbidden": gettext_lazy("Commercial use is not allowed."),
}
_DUTIES = {
    "add_no_conflicting_terms": gettext_lazy(
        "When you pass it on, add no terms that conflict with these."
    ),
    "attribution": gettext_lazy("When you pass it on, name the author."),
    "display_built_with": gettext_lazy(
        "Show where it is from, in the words that the license gives."
    ),
    "follow_acceptable_use_policy": gettext_lazy("Follow the acceptable-use policy."),
    "indicate_changes": gettext_lazy("Say what you changed."),
    "keep_license_copy": gettext_lazy("Keep a copy of the license with it."),
    "keep_notice_file": gettext_lazy("Keep the notice file with every copy."),
    "keep_notice_text": gettext_lazy("Keep the notice text with every copy."),
    "mark_changed_files": gettext_lazy("Mark the files that you changed."),
    "name_prefix": gettext_lazy("Begin the name of a model made from it with the given word."),
    "no_redistribution": gettext_lazy("Do not pass it on."),
    "obey_export_law": gettext_lazy("Obey export law."),
    "obey_trade_compliance_law": gettext_lazy("Obey trade and sanctions law."),
    "pass_on_use_restrictions": gettext_lazy(
        "Pass the use restrictions on to whoever gets it from you."
    ),
    "provide_license_copy": gettext_lazy("Give a copy of the license to whoever gets it from you."),
    "same_license_for_derivatives": gettext_lazy(
        "Put what you make from it under the same license."
    ),
    "share_source": gettext_lazy("Share the source of what you make from it."),
    "state_changes": gettext_lazy("State what you changed."),
}


@dataclass
class Plain:
    """Sentences in our words. They help to read the text; they do not replace it."""

    allows: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)
    forbids: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.allows or self.asks or self.forbids or self.ends)


def of(facts: dict[str, Any]) -> Plain:
    plain = Plain()
    _uses(facts, plain)
    _duties(facts, plain)
    _by_model(facts, plain)
    _limits(facts, plain)
    plain.ends = [_sentence(said(event)) for event in facts.get("termination") or []]
    return plain


def duty_sentence(duty: str) -> str:
    """A duty on passing on, by its name in the facts."""
    return str(_DUTIES.get(duty, _sentence(duty.replace("_", " "))))


def _uses(facts: dict[str, Any], plain: Plain) -> None:
    if grant := facts.get("grant"):
        plain.allows.append(_("You may: %(verbs)s.") % {"verbs": ", ".join(map(granted, grant))})
    commercial = str(facts.get("commercial_use") or "")
    if commercial in _COMMERCIAL:
        target = plain.forbids if commercial == "forbidden" else plain.allows
        target.append(str(_COMMERCIAL[commercial]))
    rule = facts.get("output_training_rule") or {}
    if rule.get("summary") and rule.get("id") != "not_addressed":
        plain.asks.append(_sentence(said(rule["summary"])))


def _duties(facts: dict[str, Any], plain: Plain) -> None:
    display = facts.get("display_duty") or {}
    naming = facts.get("derivative_naming") or {}
    notice = facts.get("attribution_notice") or {}
    said_below = {
        "display_built_with": display.get("text"),
        "name_prefix": naming.get("prefix"),
        "keep_notice_file": notice.get("text"),
        "keep_notice_text": notice.get("text"),
    }
    for duty in facts.get("redistribution_duties") or []:
        if not said_below.get(str(duty)):
            plain.asks.append(duty_sentence(str(duty)))
    if notice.get("required") and notice.get("text"):
        plain.asks.append(
            _("Keep this line in a file “%(file)s” with every copy: “%(words)s”")
            % {
                "file": (notice.get("accepted_file_names") or ["NOTICE"])[0],
                "words": notice["text"],
            }
        )
    if display.get("required") and display.get("text"):
        plain.asks.append(_("Show the words “%(words)s”.") % {"words": display["text"]})
    if naming.get("required") and naming.get("prefix"):
        plain.asks.append(
            _("A model made from it has a name that begins with “%(prefix)s”.")
            % {"prefix": naming["prefix"]}
        )


def _by_model(facts: dict[str, Any], plain: Plain) -> None:
    for one in facts.get("by_model") or []:
        words = {"model": one.get("model", ""), "license": one.get("license", "")}
        plain.asks.append(_("%(model)s is under the license %(license)s.") % words)


def _limits(facts: dict[str, Any], plain: Plain) -> None:
    threshold = facts.get("monthly_active_users_threshold") or {}
    if limit := threshold.get("limit"):
        plain.forbids.append(
            _(
                "With more than %(limit)s users a month, ask the publisher for a license of your own."
            )
            % {"limit": number_format(limit, force_grouping=True)}
        )
    for exclusion in facts.get("geographic_exclusions") or []:
        words = {key: said(exclusion.get(key)) for key in ("region", "scope", "effect")}
        if exclusion.get("scope", "all models") not in {"", "all models"}:
            plain.forbids.append(_("Not for %(region)s (%(scope)s): %(effect)s.") % words)
        else:
            plain.forbids.append(_("Not for %(region)s: %(effect)s.") % words)
    plain.forbids += [_sentence(said(use)) for use in facts.get("prohibited_uses") or []]
    categories = {one["id"]: one["description"] for one in published()["acceptable_use_categories"]}
    for use in facts.get("prohibited_use_categories") or []:
        plain.forbids.append(_sentence(said(categories.get(use, str(use).replace("_", " ")))))


def _sentence(text: Any) -> str:
    return f"{capfirst(str(text).rstrip('.'))}."
