"""What a set of terms asks people to state about themselves, and whether the statement fits."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from registry.accounts.models import Namespace
from registry.agreements import organisations
from registry.catalog import countries
from registry.errors import Invalid, NotAllowed

TRUE = {True, "true", "on", "1", "yes"}
REGION, USERS = "region", "users"
NOT_THERE = (
    "neither domiciled nor with a principal place of business in one of the listed countries"
)
NOTHING_WAS_RECORDED = gettext_noop(
    "So these terms cannot be accepted, and nothing was recorded. Ask the publisher of the license "
    "for one of your own, or choose a model without this limit."
)


@dataclass
class Stated:
    """What was stated, by id, without anything about the person; and the country apart."""

    statements: dict[str, str] = field(default_factory=dict)
    country: str = ""


def of(terms: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The statements of this kind that a pinned set asks for."""
    return [one for one in terms.get("attestations") or [] if one["kind"] == kind]


def judge(
    terms: dict[str, Any],
    *,
    organisation: Namespace | None,
    country: str,
    attested: Mapping[str, Any],
) -> Stated:
    """What is kept of the statements, or the refusal with the clause that forbids it."""
    stated = Stated()
    for asked in of(terms, REGION):
        stated.country = _country(country)
        if stated.country in asked["countries"]:
            raise NotAllowed(
                _("%(asked)s You named %(name)s. %(nothing)s")
                % {
                    "asked": _sentence(asked),
                    "name": countries.shown(stated.country),
                    "nothing": _(NOTHING_WAS_RECORDED),
                }
            )
        stated.statements[asked["id"]] = NOT_THERE
    if organisation is None:
        return stated
    for asked in of(terms, USERS):
        if not _is_true(attested.get(asked["id"])):
            raise NotAllowed(
                _(
                    "%(asked)s A separate license is needed above that; whoever signs for an "
                    "organisation has to state that it is not. Nothing was recorded."
                )
                % {"asked": _sentence(asked)},
                next_url=f"/licenses/{asked['license']}/separate-license",
            )
        stated.statements[asked["id"]] = users_words(asked)
    if not _is_true(attested.get(organisations.AUTHORITY)):
        raise Invalid(
            _("State that you may sign for %(organisation)s. Nothing was recorded.")
            % {"organisation": organisation.name}
        )
    stated.statements[organisations.AUTHORITY] = organisations.authority_words(organisation)
    return stated


def users_words(asked: dict[str, Any]) -> str:
    """What a signatory states about the number of users."""
    when = f" on {asked['measured_at']}" if asked.get("measured_at") else ""
    return f"not more than {asked['limit']:,} monthly active users{when}"


def _country(code: str) -> str:
    code = code.strip().upper()
    if code not in countries.NAMES:
        raise Invalid(
            _(
                "Name the country of your domicile or principal place of business by its code "
                "of two letters (ISO 3166-1), such as CA."
            )
        )
    return code


def _sentence(asked: dict[str, Any]) -> str:
    return f"{str(asked['clause']).strip().rstrip('.')}."


def _is_true(value: Any) -> bool:
    return isinstance(value, bool | str) and (value is True or str(value).lower() in TRUE)
