"""The words of this site, for readers. docs/glossary.md says the same for developers."""

from django.utils.translation import gettext_lazy as _

WORDS = [
    (
        _("Namespace"),
        _("The name of a person or an organisation: the first part of a repository's name."),
    ),
    (_("Repository"), _("One model with all its revisions, named namespace/name.")),
    (_("Revision"), _("One state of all files of a repository: a commit.")),
    (
        _("Quarantine"),
        _(
            "Where every revision stays until it is released. Those who may write the repository and the maintainers of the site see it; for everybody else it does not exist."
        ),
    ),
    (
        _("Check"),
        _("One question about a revision, with a verdict. A finding is what a check saw."),
    ),
    (
        _("Verdict"),
        _(
            "What all checks of a revision add up to: passed, warned or blocked. A run that failed for a reason of ours has no verdict, and counts as none."
        ),
    ),
    (
        _("Smoke test"),
        _(
            "The check that loads the model in a closed room, without a network, and lets it answer fixed prompts."
        ),
    ),
    (
        _("Release"),
        _(
            "An offer of one revision to the outside, with a version label, under a fixed set of terms, with evidence and approvals."
        ),
    ),
    (
        _("Release digest"),
        _(
            "A SHA-256 over the repository, the label, all files and the terms. An approval names it, so that it means exactly one thing."
        ),
    ),
    (
        _("Terms"),
        _(
            "The documents that a download needs to be accepted: the site's policy, the license of the model and what it brings along."
        ),
    ),
    (
        _("Acceptance"),
        _(
            "A record that somebody agreed to one set of terms for one repository: when, and the hash of what was shown."
        ),
    ),
    (_("Maintainer"), _("Reviews releases on this site. Nobody approves their own work.")),
    (_("Steward"), _("Keeps license texts, terms and access on this site.")),
]
