"""What the script of the upload page says, in the reader's language."""

from django.utils.translation import gettext as _


def of_page() -> dict[str, str]:
    """By key; `{name}` is filled in by the script."""
    return {
        "chosen": _("Chosen: {count} files, {size}."),
        "left_out": _("Left out, as they belong to tools (.git, caches): {count}."),
        "nothing": _("There is no file in it. Choose a folder with files."),
        "waits": _("waits"),
        "hashing": _("is read: {percent} %"),
        "sending": _("is sent: {percent} %"),
        "there": _("is there already"),
        "ready": _("sent"),
        "small": _("goes with the commit"),
        "ignored": _("is left out: .gitignore says so"),
        "failed": _("failed"),
        "too_large": _("{path} is larger than this site takes. Split it, as transformers does."),
        "working": _("{done} of {total} sent"),
        "reading": _("Reading the files to know their SHA-256: {percent} %"),
        "asking": _("Asking what is there already"),
        "committing": _("Writing the commit"),
        "paused": _("Paused. What was sent is kept; continue when you like."),
        "away": _("The site did not answer. What was sent is kept; continue in a while."),
        "refused": _("Refused: {reason}"),
        "signed_out": _(
            "You are signed out. What was sent is kept: sign in, come back here and choose the "
            "same files."
        ),
        "unreadable": _("{path} could not be read. Is it still there?"),
        "cancelled": _("Cancelled. Nothing was written; choose the files again to begin anew."),
        "done": _("Done. The files are in quarantine; their checks start soon."),
        "resume": _("Continue"),
        "pause": _("Pause"),
        "more": _("and {count} more"),
    }
