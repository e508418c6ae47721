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
    ),
    Check(
        "UPL-TYPE",
        "upload",
        "File types",
        "Files that are neither weights in an accepted format nor text, pictures or licenses; in a "
        "dataset also tables (parquet, arrow) and text compressed with zst are accepted.",
        "Delete the file from the revision. Weights belong into safetensors or GGUF; code belongs elsewhere.",
        version=2,
    ),
)
