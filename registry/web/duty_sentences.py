"""What the rules about licenses say of a revision, and what meets them, for readers of other languages."""

from django.utils.translation import gettext_noop

from registry.web.sentences import Sentences

DUTIES = Sentences(
    (
        gettext_noop(
            "The name of the repository, or the words it has to begin with, are not known."
        ),
        gettext_noop("The name %(name)s begins with “%(prefix)s”."),
        gettext_noop("The name %(name)s does not begin with “%(prefix)s”."),
        gettext_noop("Rename the repository so that its name begins with “%(prefix)s”."),
        gettext_noop("The name of the repository is not known."),
        gettext_noop("Rename the repository without “%(prefix)s” in front."),
        gettext_noop("Rename the repository without “%(prefix)s” in front, to %(name)s."),
        gettext_noop("The front matter of README.md is not known."),
        gettext_noop("The card says %(key)s."),
        gettext_noop("The card says %(key)s: %(value)s."),
        gettext_noop("Add `%(key)s` to the front matter of README.md."),
        gettext_noop("The front matter of README.md has no %(key)s."),
        gettext_noop("The front matter of README.md says %(key)s: %(value)s."),
        gettext_noop("Set `%(key)s` in the front matter of README.md to one of: %(choices)s."),
        gettext_noop("Whether the model states its %(name)s is not known."),
        gettext_noop("The files state %(name)s: %(value)s."),
        gettext_noop(
            "State %(name)s: in config.json, in the header of the GGUF file, or in the card."
        ),
        gettext_noop(
            "Neither config.json, the headers of the weights nor the card state %(name)s."
        ),
        gettext_noop("The %(said_subject)s is not known."),
        gettext_noop("%(country)s is among the countries to which no right is given."),
        gettext_noop("%(country)s is outside the countries to which no right is given."),
        gettext_noop("A separate license from the publisher is needed first."),
        gettext_noop("%(users)s users are above the limit of %(limit)s."),
        gettext_noop("%(users)s users are not above the limit of %(limit)s."),
        gettext_noop("It is attested: %(said_statement)s."),
        gettext_noop("Nobody has attested yet: %(said_statement)s."),
        gettext_noop("An acceptance of exactly these texts is on record."),
        gettext_noop("No acceptance of exactly these texts is on record."),
        gettext_noop("Whether an acceptance is on record was not looked up."),
        gettext_noop("No purpose is declared."),
        gettext_noop("The declared purpose is “%(purpose)s”; allowed: %(choices)s."),
        gettext_noop("The publisher's approval is on record."),
        gettext_noop("The publisher did not approve."),
        gettext_noop("No approval by the publisher of the base is on record here."),
        gettext_noop("A steward has looked at it."),
        gettext_noop("A steward has to look at it; none has so far."),
        gettext_noop("Whether a steward has looked at it is not known."),
        gettext_noop("The grants are revoked."),
        gettext_noop("Grants are in force still, of %(said_scope)s."),
        gettext_noop("Whether the grants are revoked was not looked up."),
        gettext_noop("The licensee was asked to confirm the deletion."),
        gettext_noop("Nobody asked for a deletion that the %(said_who)s confirms."),
        gettext_noop("Whether a deletion was asked for was not looked up."),
        gettext_noop("The files of the revision are not known."),
        gettext_noop("The license is not known."),
        gettext_noop("Add the text of %(title)s as a file LICENSE."),
        gettext_noop("There is no copy of %(title)s: looked for %(names)s."),
        gettext_noop(
            "A steward has to load the text of %(title)s, or to decide about %(files)s by eye."
        ),
        gettext_noop(
            "There is %(files)s, but the site holds no text of %(title)s to compare it with."
        ),
        gettext_noop("%(path)s has the words of %(title)s."),
        gettext_noop("%(files)s could not be read as text, so it was not compared."),
        gettext_noop("%(files)s does not have the words of %(title)s in any stored version."),
        gettext_noop("The policy is not known."),
        gettext_noop("Add the text of %(title)s as a file USE_POLICY.md."),
        gettext_noop("There is %(files)s."),
        gettext_noop("None of these files is there: %(names)s."),
        gettext_noop("Add the notice that came with the base to the files, as %(name)s."),
        gettext_noop("Add the file %(name)s."),
        gettext_noop("Add a file NOTICE with the line: %(line)s"),
        gettext_noop("The line is not known."),
        gettext_noop("%(path)s has the line of the license."),
        gettext_noop("%(files)s could not be read as text."),
        gettext_noop("The line “%(text)s” is not in any file."),
        gettext_noop("The line “%(text)s” is not in %(files)s."),
        gettext_noop("The text of the card is not known."),
        gettext_noop("The card says “%(text)s”."),
        gettext_noop("Write “%(text)s” in the prose of README.md."),
        gettext_noop("README.md does not say “%(text)s”."),
        gettext_noop("The card declares no license that is known here."),
        gettext_noop("The licenses at the top of the lineage are not known."),
        gettext_noop("The model descends from the models whose output it was trained on."),
        gettext_noop(
            "It was trained on output of a model under %(titles)s, and does not descend from one."
        ),
        gettext_noop("Train it without that output, or from a model of that version."),
        gettext_noop("Under %(names)s, commercial use is %(values)s."),
        gettext_noop("What %(names)s says of commercial use is not known."),
        gettext_noop("Under %(names)s, commercial use is not %(values)s."),
        gettext_noop(
            "Declare `license` %(license)s in the front matter of README.md, beside your own."
        ),
        gettext_noop(
            "Declare a license that forbids commercial use in the front matter of README.md, beside your own."
        ),
        gettext_noop("The declared license, or that of the base, is not known."),
        gettext_noop("The card names %(license)s."),
        gettext_noop(
            "Name %(license)s, the license of the base, in `license` of README.md, beside yours."
        ),
        gettext_noop("The card names no license; the base is under %(title)s."),
        gettext_noop("The card names %(names)s; the base is under %(title)s."),
        gettext_noop("The lineage is too long to follow, or not known, up to every root."),
        gettext_noop("Each of the %(count)s roots is looked at by itself."),
        gettext_noop("The licenses of the parents, or the declared one, are not known."),
        gettext_noop(
            "Set `license` in the front matter of README.md to %(license)s, beside your own."
        ),
        gettext_noop(
            "%(license)s of a parent is stricter on commercial use (%(said_use)s) than the declared %(names)s."
        ),
        gettext_noop("What one of the licenses says of commercial use is not known."),
        gettext_noop("The declared license is as strict on commercial use as each parent's."),
        gettext_noop("The licenses of the parents are not known."),
        gettext_noop("The license of each parent is known."),
        gettext_noop("Name only parents whose license is known here, or ask a steward to add it."),
        gettext_noop("The license of a parent is not known."),
        gettext_noop("The card names %(names)s itself."),
        gettext_noop(
            "Whether %(names)s lists the restrictions of %(missing)s has to be compared by a person."
        ),
        gettext_noop("%(names)s lists none of the restrictions of %(missing)s."),
        gettext_noop("A steward has to decide about it."),
        gettext_noop("The rule is not about this model."),
        gettext_noop("Whether this applies is not known: %(said_what)s."),
        gettext_noop("What follows: %(said_what)s."),
        gettext_noop("Asked of each person who downloads."),
        gettext_noop("What a steward decided before was about other facts."),
        gettext_noop("A steward allowed it on %(day)s: %(reason)s"),
        gettext_noop("A steward refused it on %(day)s: %(reason)s"),
        gettext_noop("An owner does that with `hf repos move %(names)s`."),
    )
)

# What the rules in the data put into these sentences
WORDS = (
    gettext_noop("refuse the download and say which clause stands in the way"),
    gettext_noop(
        "mark the entry, keep the base license as the one that the gate enforces, ask the owner to declare both"
    ),
    gettext_noop(
        "monthly active users in the calendar month before the version release date were not above 700 million, affiliates included"
    ),
    gettext_noop("domicile of an individual, or principal place of business of a company"),
    gettext_noop("every repository whose root license is the ended one"),
    gettext_noop("licensee"),
)
