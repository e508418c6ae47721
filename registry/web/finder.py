"""The words of the license finder: questions, answers and what backs them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from registry.agreements import duty_table, licenses, linked, questions_of_use
from registry.agreements.clauses import INTERPRETATION, LICENSE_CLAUSE, REGISTRY_POLICY
from registry.agreements.models import Document
from registry.agreements.questions_of_use import IMAGE, TEXT, Answer, Asked, Reason, Word
from registry.catalog import lineage, modalities
from registry.catalog.lineage import Ancestry
from registry.catalog.models import Revision, Variant
from registry.web.fact_words import said
from registry.web.plain_terms import duty_sentence

QUESTIONS: dict[str, Promise] = {
    "commercial": _("use it commercially"),
    "train_further": _("train it further"),
    "share": _("pass on the model, or what I made of it"),
    "outputs": _("train another language model with its output"),
    "eu": _("use it from the European Union"),
    "name": _("give what I made any name I like"),
    "relicense": _("put what I made under another license"),
    "use": _("use it for a certain purpose"),
}
RELATIONS: dict[str, Promise] = {
    "copy": _("an unchanged copy"),
    "quantized": _("a quantized or converted copy"),
    "adapter": _("an adapter"),
    "finetune": _("a fine-tune"),
    "merge": _("a merge"),
}
USERS: dict[str, Promise] = {
    "fewer": _("no more than 700 million users a month"),
    "more": _("more than 700 million users a month"),
}
MODALITIES: dict[str, Promise] = {
    "text": _("a text-only model"),
    "image": _("a model that takes images"),
}
# Which circumstance each question may turn on
TURNS_ON = {"commercial": "users", "share": "relation", "eu": "modality", "use": "category"}

_WORDS: dict[Word, tuple[str, str, Promise]] = {
    Word.YES: ("is-passed", "✓", pgettext_lazy("may I", "yes")),
    Word.IF: ("is-warned", "!", pgettext_lazy("may I", "yes, under conditions")),
    Word.NO: ("is-blocked", "✗", pgettext_lazy("may I", "no")),
    Word.UNKNOWN: ("is-unknown", "?", pgettext_lazy("may I", "the data do not say")),
}
CONFIDENCES: dict[str, Promise] = {
    "high": _("high: stated by the publisher or read in the text"),
    "medium": _("medium: one secondary source, or a careful reading"),
    "low": _("low: sources disagree or are thin"),
    "": _("none stated"),
}
_LEVELS: dict[str, Promise] = {
    "high": pgettext_lazy("confidence", "high"),
    "medium": pgettext_lazy("confidence", "medium"),
    "low": pgettext_lazy("confidence", "low"),
    "": pgettext_lazy("confidence", "–"),
}
_BASES: dict[str, Promise] = {
    LICENSE_CLAUSE: _("written in the license or policy"),
    INTERPRETATION: _("a careful reading, not written so"),
    REGISTRY_POLICY: _("a rule of this registry, not of the license"),
}
_SENTENCES: dict[str, Promise] = {
    "no_data": _("This site holds no data on what this license says. Read its text."),
    "not_said": _("The data that this site holds do not say. Read the text."),
    "by_model": _("It covers several models under different licenses. Ask about one of them."),
    "of_model": _("%(model)s is under the license %(license)s."),
    "commercial_allowed": _("Commercial use is allowed."),
    "commercial_allowed_below_user_threshold": _(
        "Commercial use is allowed, up to a number of users."
    ),
    "commercial_allowed_with_use_restrictions": _(
        "Commercial use is allowed within the use restrictions."
    ),
    "commercial_depends_on_variant": _(
        "Whether commercial use is allowed depends on the variant of the license."
    ),
    "commercial_forbidden": _("Commercial use is not allowed."),
    "purpose": _("It is for this alone: %(purpose)s."),
    "users_limit": _(
        "The limit is %(limit)s users a month, counted on %(measured_at)s (%(window)s; %(counted)s). "
        "Above it: %(above_limit)s."
    ),
    "users_exempt": _("Exempt: %(exempt)s."),
    "approval": _("The publisher admits each user: %(how)s."),
    "grant_not_said": _(
        "The data that this site holds do not list what the license grants. Read the text."
    ),
    "granted": _("The license grants it: “%(verb)s” (%(terms)s)."),
    "open_source": _(
        "It meets the open source definition, so it may be used, changed and passed on."
    ),
    "notice_stays": _("Keep its notice, and the name of its author, with what you pass on."),
    "no_redistribution": _("It may not be passed on."),
    "summary": _("%(summary)s."),
    "prefix": _("The name of such a model begins with “%(prefix)s”."),
    "no_naming_duty": _("The license asks for no name."),
    "no_region": _("The license and its policy leave out no part of the European Union."),
    "excluded": _("Left out: %(region)s (%(scope)s): %(effect)s. %(where_written)s"),
    "exempt": _("Exempt: %(who)s."),
    "forbidden_use": _("The %(policy)s forbids it: %(use)s."),
    "use_not_listed": _(
        "The %(policy)s does not list it. That does not make it allowed: the law and the policy of "
        "this site hold as well."
    ),
    "uses_in_own_words": _("The license names what it forbids in words of its own:"),
    "forbidden_here": _("%(use)s."),
    "use_restrictions": _(
        "The license restricts uses; this site's data do not list them. %(said)s"
    ),
    "no_field_of_use": _(
        "An open source license forbids no field of use. The law and the policy of this site still do."
    ),
    "same_license": _("What you make from it and pass on stays under the same license."),
    "not_looser": _("The terms of the base stay beside your own, and yours may not be looser."),
    "brand": _("%(title)s."),
}
# Which values of a reason are sentences of the facts; others are names, numbers and exact words
_IN_OUR_WORDS = frozenset(
    [
        "title",
        "summary",
        "use",
        "region",
        "scope",
        "effect",
        "exempt",
        "who",
        "above_limit",
        "said",
        "where_written",
    ]
)


@dataclass(frozen=True)
class Line:
    """A sentence with what backs it. `words` is what a duty asks for to the letter."""

    sentence: str
    clause: str
    source: str
    confidence: str
    basis: str
    words: str = ""
    note: str = ""
    is_warning: bool = False


@dataclass(frozen=True)
class Shown:
    """The answer of one license as the page says it. `document` is None for a license that the site
    does not know, whose `name` it is."""

    document: Document | None
    name: str
    word: Word
    reasons: list[Line]
    conditions: list[Line]
    conflicts: tuple[Any, ...]
    confidence: str
    level: str

    @property
    def look(self) -> dict[str, Any]:
        return look(self.word)


@dataclass(frozen=True)
class Subject:
    """A model that is asked about: its licenses, the names of those that nobody knows, and whether
    it takes images."""

    name: str
    documents: list[Document]
    unknown: list[str]
    modality: str
    address: str = ""


def look(word: Word) -> dict[str, Any]:
    hue, sign, said = _WORDS[word]
    return {"look": hue, "sign": sign, "word": said}


def shown(document: Document, asked: Asked) -> Shown:
    answer: Answer = questions_of_use.ask(document, asked)
    return Shown(
        document,
        document.title,
        answer.word,
        [_line(one) for one in answer.reasons],
        [_line(one) for one in answer.conditions],
        answer.conflicts,
        str(CONFIDENCES[answer.confidence]),
        str(_LEVELS[answer.confidence]),
    )


def not_known(name: str) -> Shown:
    """A license of which the site knows the name alone."""
    reasons = [_line(Reason("no_data"))]
    return Shown(None, name, Word.UNKNOWN, reasons, [], (), str(CONFIDENCES[""]), str(_LEVELS[""]))


def together(answers: Sequence[Shown]) -> dict[str, Any]:
    """One word for a model under several licenses: the worst of theirs."""
    return look(questions_of_use.worst(one.word for one in answers))


def subject_of(name: str, revision: Revision | None, variant: Variant | None) -> Subject:
    """What is asked about, for a model here or one known by published facts."""
    if revision is not None:
        ancestry = lineage.of_revision(revision)
        linked_to = linked.license_of(revision)
        found = licenses.licenses_of(ancestry, revision.card, linked=linked_to)
        unsaid = [parent.shown or parent.name for parent in found.silent]
        unknown = [*(source.tag for source in found.unknown), *unsaid, *ancestry.unknown]
        known = [one.document for one in found.known]
        modality = _modality(revision, ancestry, variant)
        return Subject(name, known, unknown, modality, revision.repository.get_absolute_url())
    assert variant is not None  # noqa: S101 - one of the two
    said = str(variant.facts.get("license") or "")
    documents = duty_table.by_fact([said])
    unknown = [] if said in documents else [said]
    modality = _of_inputs(modalities.inputs_of(variant))
    return Subject(name, list(documents.values()), unknown, modality)


def _modality(revision: Revision, ancestry: Ancestry, variant: Variant | None) -> str:
    """Whether the model takes images. That it is text-only is said where facts say so alone."""
    above = (modalities.parent_takes_images(one) for one in ancestry.ancestors)
    own = modalities.inputs_of(variant) if variant is not None else None
    if modalities.takes_images(revision) or any(above) or _of_inputs(own) == IMAGE:
        return IMAGE
    told = [own, *(modalities.inputs_of(p.variant) for p in ancestry.ancestors if p.variant)]
    is_told = any(one is not None for one in told) and not ancestry.unknown
    return TEXT if is_told else ""


def _of_inputs(inputs: frozenset[str] | None) -> str:
    if inputs is None:
        return ""
    return IMAGE if IMAGE in inputs else TEXT


def _line(reason: Reason) -> Line:
    backing = reason.backing
    return Line(
        sentence=_sentence(reason),
        clause=backing.clause,
        source=backing.source,
        confidence=str(CONFIDENCES[backing.confidence]) if backing.source else "",
        basis=str(_BASES.get(backing.basis, backing.basis)) if backing.source else "",
        words=reason.values.get("words", ""),
        note=capfirst(said(reason.values.get("note"))),
        is_warning=reason.values.get("severity") in {"warn", "review"},
    )


def _sentence(reason: Reason) -> str:
    if reason.says == "rule":
        return f"{said(reason.values['title'])}."
    if reason.says == "duty":
        return duty_sentence(reason.values["duty"])
    if reason.says not in _SENTENCES:  # a word of the facts that is newer than these
        return str(_SENTENCES["not_said"])
    values = {
        key: said(value) if key in _IN_OUR_WORDS else value for key, value in reason.values.items()
    }
    if "limit" in values:
        values["limit"] = number_format(int(values["limit"]), force_grouping=True)
    for key in ("said", "where_written"):
        if values.get(key):
            values[key] = f"{capfirst(values[key].rstrip('.'))}."
    return capfirst((str(_SENTENCES[reason.says]) % values).strip())
