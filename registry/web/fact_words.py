"""The short sentences of the facts, marked for translation: what duties, licenses and policies are
about, in our own words. Texts that bind are never here."""

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_noop, pgettext_lazy

from registry.agreements.duties.engine import Result

# What a license lets people do
GRANTS: dict[str, Promise] = {
    "use": pgettext_lazy("grant", "use"),
    "reproduce": pgettext_lazy("grant", "reproduce"),
    "distribute": pgettext_lazy("grant", "distribute"),
    "copy": pgettext_lazy("grant", "copy"),
    "create derivative works": pgettext_lazy("grant", "create derivative works"),
    "modify": pgettext_lazy("grant", "modify"),
}
TEXTS = (
    gettext_noop("A copy of the base license travels with the derivative"),
    gettext_noop("The attribution notice travels with every copy"),
    gettext_noop("An adapter without base weights should carry the notice too"),
    gettext_noop("The first LLaMA's notice line must be kept"),
    gettext_noop("Show the Llama 3 display text"),
    gettext_noop("Show the display text of versions 3.1 and later"),
    gettext_noop("Name begins with the words of the Llama 3 license"),
    gettext_noop("Name begins with the word of the 3.1 and later licenses"),
    gettext_noop("Name of a pure format or precision change"),
    gettext_noop("A model trained on Llama output carries the name prefix"),
    gettext_noop("No other language model from Llama 2 or Llama 3 output"),
    gettext_noop("Output of the first LLaMA stays non-commercial"),
    gettext_noop("The policy of the base version applies to the derivative"),
    gettext_noop("No grant of multimodal weights to EU licensees"),
    gettext_noop("The hub flag that shuts out EU addresses needs a gate"),
    gettext_noop("Large operators need a separate license"),
    gettext_noop("First LLaMA and all that descends from it: research only"),
    gettext_noop("First LLaMA: the publisher admits each user"),
    gettext_noop("Declared license may not be looser than the base"),
    gettext_noop("A merge carries the duties of every parent"),
    gettext_noop("Non-commercial terms pass on"),
    gettext_noop("Each derivative names its base and its relation"),
    gettext_noop("A derivative that holds gated weights is gated as well"),
    gettext_noop("Nobody downloads without an acceptance on record"),
    gettext_noop("A changed text asks for a new acceptance"),
    gettext_noop("An ended license closes access"),
    gettext_noop("Names do not suggest the publisher made the derivative"),
    gettext_noop("Stripping safeguards breaches the newer policies"),
    gettext_noop("Use restrictions of RAIL licenses pass on"),
    gettext_noop("Gemma terms pass on"),
    gettext_noop("A quantized copy states its recipe"),
    gettext_noop("A copy of the license is among the files"),
    gettext_noop("The attribution notice is among the files"),
    gettext_noop("The license's notice line is kept"),
    gettext_noop("A copy of the acceptable-use policy is among the files"),
    gettext_noop("The license text is kept beside the files"),
    gettext_noop("The license of each base is known"),
    gettext_noop("a merge of several bases needs one line for each distinct base license"),
    gettext_noop(
        "the clause speaks of copies of the materials; an adapter that holds none of "
        "the base weights is a grey case"
    ),
    gettext_noop(
        "the string for Llama 3 does not contain this one, so the two checks are separate"
    ),
    gettext_noop(
        "the clause is met by Llama-3-Foo and Llama3-Foo after normalising; Foo-Llama-3 fails"
    ),
    gettext_noop(
        "whether re-encoding the weights makes a new model is not settled; a name such "
        "as Meta-Llama-3.1-8B-Instruct-GGUF then only raises a warning"
    ),
    gettext_noop(
        "holds even when the weights do not descend from Llama. The display text is not "
        "asked for in that case: that half of the clause speaks of what contains the "
        "materials"
    ),
    gettext_noop("passes only if the trained model itself descends from the same Llama version"),
    gettext_noop(
        "the license takes the policy in by reference, so a shipped file is good "
        "practice and the link between versions is the duty"
    ),
    gettext_noop(
        "the list is the 27 member states; Norway, Iceland, Liechtenstein, Switzerland "
        "and the United Kingdom are outside it. Text-only models of the same versions "
        "are free of it"
    ),
    gettext_noop(
        "the flag judges by network address, the license by domicile, so both tests are needed"
    ),
    gettext_noop(
        "the count is frozen at the release date of the version, so one attestation for "
        "each version is enough; exactly 700 million passes"
    ),
    gettext_noop(
        "weight differences and adapters were the usual way out; they still fall under "
        "the purpose limit"
    ),
    gettext_noop("the owner may license its own changes as it likes; the base terms stay"),
    gettext_noop("two prefixes can both hold: Llama 3 in the name also satisfies Llama"),
    gettext_noop(
        "the hub guesses the relation where it is absent; a governance registry should not"
    ),
    gettext_noop("no license in this file demands it; public hubs show many ungated copies"),
    gettext_noop(
        "the license itself takes first use as acceptance and asks no log of the distributor"
    ),
    gettext_noop("the clause is not in the policies of Llama 2, 3 and 3.1"),
    gettext_noop("also for a model trained on Gemma output so that it behaves alike"),
    gettext_noop("who passes the model on hands over the license with it"),
    gettext_noop("the line stands in a text file that travels with every copy"),
    gettext_noop("any text file may hold it"),
    gettext_noop(
        "the license takes the policy in by reference, and a reader here finds it beside the model"
    ),
    gettext_noop("most licenses that ask little ask at least for this"),
    gettext_noop("what a base asks of its derivatives cannot be told without its license"),
    gettext_noop("Violent crime or terrorism, including helping or encouraging it"),
    gettext_noop(
        "Exploiting or hurting minors in any form, or leaving child-abuse material unreported"
    ),
    gettext_noop("Human trafficking, exploitation of people, sexual violence"),
    gettext_noop(
        "Giving minors unlawful or obscene material, or omitting an age check that the law demands"
    ),
    gettext_noop("Soliciting sex"),
    gettext_noop("Any crime not named elsewhere"),
    gettext_noop("Harassing, threatening, abusing or bullying a person or a group"),
    gettext_noop(
        "Discriminating in work, credit, housing, benefits and other things that people depend on"
    ),
    gettext_noop(
        "Practising law, medicine, finance or another regulated profession without the "
        "license for it"
    ),
    gettext_noop(
        "Gathering, inferring or revealing private or sensitive data on people without "
        "a lawful basis"
    ),
    gettext_noop("Infringing the rights of others, also by means of generated output"),
    gettext_noop(
        "Malicious code, or anything that damages or overloads a site or a computer system"
    ),
    gettext_noop(
        "Bypassing or stripping usage limits or safety measures, or switching on what "
        "the publisher switched off"
    ),
    gettext_noop(
        "Military, warfare, nuclear and espionage uses, and items under US arms export rules (ITAR)"
    ),
    gettext_noop("Items under the US biological-weapons and chemical-weapons statutes"),
    gettext_noop("Guns and illegal weapons, their development included"),
    gettext_noop("Illegal drugs and controlled substances"),
    gettext_noop("Running critical infrastructure, transport systems or heavy machinery"),
    gettext_noop("Self-harm, suicide and eating disorders, or harm to others"),
    gettext_noop("Content meant to stir up violence, abuse or injury"),
    gettext_noop("Fraud, and making or spreading disinformation"),
    gettext_noop("Defamatory statements, pictures or other content"),
    gettext_noop("Making or spreading spam"),
    gettext_noop("Posing as another person without consent or right"),
    gettext_noop("Claiming that the model or its output is a human"),
    gettext_noop("Fake reviews and other faked online engagement"),
    gettext_noop("Not telling end users about dangers of the system that are known"),
    gettext_noop(
        "Connecting to third-party tools built for unlawful or harmful ends, or "
        "presenting their output as coming from the publisher"
    ),
    gettext_noop("commercial or production use"),
    gettext_noop("military or nuclear use"),
    gettext_noop("surveillance, research into it included"),
    gettext_noop("biometric processing"),
    gettext_noop("infringement of third-party rights"),
    gettext_noop("breach of law, privacy law included"),
    gettext_noop("circumventing protections or usage limits"),
    gettext_noop("export-control and sanctions breaches, hiding one's location included"),
    gettext_noop(
        "Data produced by the software falls under the same non-commercial limit as the "
        "software itself"
    ),
    gettext_noop("no download or use"),
    gettext_noop("no rights until the publisher, at its own discretion, grants a separate license"),
    gettext_noop("those who get the materials only as a component of a finished product"),
    gettext_noop(
        "Neither the materials nor their output may improve another large language "
        "model; only this Llama version and its derivatives are exempt"
    ),
    gettext_noop(
        "distributing the materials or a derivative, or a product or service, another "
        "AI model included, that uses any of them"
    ),
    gettext_noop(
        "an AI model that was made, trained, fine-tuned or improved with the materials "
        "and is then distributed"
    ),
    gettext_noop(
        "distributing the materials or a derivative, or a product or service, another "
        "AI model included, that contains any of them"
    ),
    gettext_noop(
        "an AI model that was made, trained, fine-tuned or improved with the materials "
        "or with their output and is then distributed"
    ),
    gettext_noop(
        "Output may be used to build or improve other models; such a model, once "
        "distributed, must carry the name prefix"
    ),
    gettext_noop("the section 1(a) grant does not extend to them"),
    gettext_noop("people who merely use a finished product or service built on such a model"),
    gettext_noop("safeguard circumvention added"),
    gettext_noop("biological and chemical weapons statutes added"),
    gettext_noop("harmful third-party tools added"),
    gettext_noop("personal-data clause reworded around identity, health and demographics"),
    gettext_noop("EU multimodal exclusion added"),
    gettext_noop("version name only"),
    gettext_noop("The text says nothing special on training with output"),
    gettext_noop(
        "A model built by transferring patterns from the model or its output counts as "
        "a derivative; the output itself does not"
    ),
    gettext_noop("automatic on any breach"),
    gettext_noop("publisher may end it at any time on notice"),
    gettext_noop("publisher may end it on any breach"),
    gettext_noop(
        "ends for a licensee that sues over infringement by the materials or their "
        "output, on the day of filing"
    ),
    gettext_noop("afterwards: stop use and delete the materials"),
    gettext_noop("patent license ends for those who bring a patent suit over the work"),
    gettext_noop("comprehensively sanctioned jurisdictions and listed parties"),
    gettext_noop("European Union"),
    gettext_noop("all models"),
    gettext_noop("multimodal models of this version only"),
    gettext_noop("restricted: research license, case-by-case approval"),
    gettext_noop("community license, gated download"),
    gettext_noop("community license"),
    gettext_noop("community license, gated download, EU exclusion for the vision models"),
    gettext_noop("community license, gated download, EU exclusion"),
    gettext_noop("community license of the Llama version it is built on"),
    gettext_noop("community license although the base encoder is MIT"),
)


def said(text: Any) -> str:
    """A sentence of the facts in the reader's language, or as it stands there."""
    words = str(text or "")
    return gettext(words) if words else ""


def note_of(rule: Result) -> str:
    """What a clause says beyond its title. The facts hold it as the end of a sentence."""
    note = rule.note.removesuffix(".")
    words = said(note[:1].lower() + note[1:]) if note else ""
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def granted(verb: Any) -> str:
    """What may be done, as the end of "You may"."""
    return str(GRANTS.get(str(verb), verb))
