"""File names, types and sizes, judged while bytes arrive."""

from registry.checks.catalogue.check import Check
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "UPL-PATH",
        "upload",
        _("File names"),
        _(
            "Names that leave the folder, hide characters, or mean different files on different computers."
        ),
        _(
            "Rename the file: plain parts joined by /, no leading or trailing spaces, no control characters, "
            "and no two names that differ only in case or accents' encoding."
        ),
        matters=_(
            "Such a name can overwrite a file outside the folder of whoever downloads it, or show "
            "readers another name than the one that programs open."
        ),
    ),
    Check(
        "UPL-REPONAME",
        "upload",
        _("Names of owners and repositories"),
        _("Names that are malformed, reserved, used before, or easily taken for another owner's."),
        _("Choose another name: letters, digits, '-', '_' and '.', and not that of somebody else."),
        matters=_("Whoever mistypes or misreads a name would fetch a stranger's model."),
    ),
    Check(
        "UPL-TYPE",
        "upload",
        _("File types"),
        _(
            "Files that are neither weights in an accepted format nor text, pictures or licenses; in a "
            "dataset also tables (parquet, arrow) and text compressed with zst are accepted."
        ),
        _(
            "Delete the file from the revision. Weights belong into safetensors or GGUF; code belongs elsewhere."
        ),
        version=3,
        matters=_(
            "Only formats that can be read to the last byte without running anything can be vouched for."
        ),
    ),
    Check(
        "UPL-SIZE",
        "upload",
        _("Sizes"),
        _(
            "Files over the limit of size or number, and files that are not as long as was announced."
        ),
        _(
            "Split weights into shards of a few gigabytes, as save_pretrained does, and delete what is spare."
        ),
        matters=_(
            "Clients fetch no larger file, and a length that is not true hides what was not read."
        ),
    ),
    Check(
        "UPL-LFS",
        "upload",
        _("Announced content"),
        _(
            "Bytes that are not those announced by their SHA-256, and pointers to files in place of the files."
        ),
        _("Upload the file again from a folder in which git lfs pull has fetched it."),
        matters=_("Readers would get something else than the author meant, or nothing that loads."),
    ),
)
