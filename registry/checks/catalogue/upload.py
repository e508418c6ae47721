"""File names, types and sizes, judged while bytes arrive."""

from registry.checks.catalogue.check import Check

ALL: tuple[Check, ...] = (
    Check(
        "UPL-PATH",
        "upload",
        "File names",
        "Names that leave the folder, hide characters, or mean different files on different computers.",
        "Rename the file: plain parts joined by /, no leading or trailing spaces, no control characters, "
        "and no two names that differ only in case or accents' encoding.",
        matters="Such a name can overwrite a file outside the folder of whoever downloads it, or show "
        "readers another name than the one that programs open.",
    ),
    Check(
        "UPL-REPONAME",
        "upload",
        "Names of owners and repositories",
        "Names that are malformed, reserved, used before, or easily taken for another owner's.",
        "Choose another name: letters, digits, '-', '_' and '.', and not that of somebody else.",
        matters="Whoever mistypes or misreads a name would fetch a stranger's model.",
    ),
    Check(
        "UPL-TYPE",
        "upload",
        "File types",
        "Files that are neither weights in an accepted format nor text, pictures or licenses; in a "
        "dataset also tables (parquet, arrow) and text compressed with zst are accepted.",
        "Delete the file from the revision. Weights belong into safetensors or GGUF; code belongs elsewhere.",
        version=3,
        matters="Only formats that can be read to the last byte without running anything can be vouched for.",
    ),
    Check(
        "UPL-SIZE",
        "upload",
        "Sizes",
        "Files over the limit of size or number, and files that are not as long as was announced.",
        "Split weights into shards of a few gigabytes, as save_pretrained does, and delete what is spare.",
        matters="Clients fetch no larger file, and a length that is not true hides what was not read.",
    ),
    Check(
        "UPL-LFS",
        "upload",
        "Announced content",
        "Bytes that are not those announced by their SHA-256, and pointers to files in place of the files.",
        "Upload the file again from a folder in which git lfs pull has fetched it.",
        matters="Readers would get something else than the author meant, or nothing that loads.",
    ),
)
