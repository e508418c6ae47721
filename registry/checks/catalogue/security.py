"""Intake: what could act, hide or mislead, judged from the bytes alone."""

from registry.checks.catalogue.check import B, Check, W

ALL: tuple[Check, ...] = (
    Check(
        "SEC-MAGIC",
        "scan",
        "Content matches the name",
        "Files whose bytes are something else than their name says, or two formats at once.",
        "Upload the file that the name promises, written by its usual program.",
    ),
    Check(
        "SEC-NATIVE",
        "scan",
        "Programs",
        "Executables, libraries and scripts under any name.",
        "Delete the file. Programs are not published here.",
    ),
    Check(
        "SEC-ARCHIVE",
        "scan",
        "Archives",
        "Archives and compressed files, which hide what they hold.",
        "Upload the files themselves; transfer is compressed where that helps.",
    ),
    Check(
        "SEC-PICKLE",
        "scan",
        "Pickles that act",
        "Checkpoint files that would call anything beyond rebuilding tensors when they are opened.",
        "Load the checkpoint on a machine that you trust and save it again with safetensors.",
    ),
    Check(
        "SEC-PICKLE-PARSE",
        "scan",
        "Pickles that lie",
        "Checkpoint files that are cut off, damaged or built so that scanners and loaders disagree.",
        "Save the checkpoint again, best with safetensors.",
    ),
    Check(
        "SEC-CONTAINER",
        "scan",
        "Checkpoint containers",
        "Zip tricks around a checkpoint: hidden members, gaps, compression, wrong checksums.",
        "Save with torch.save of a current PyTorch, or better with safetensors.",
    ),
    Check(
        "SEC-CODE",
        "scan",
        "Models with code",
        "Repositories that bring code of their own, by file or by configuration.",
        "Remove the files and the keys named. Only model families that the libraries know run here.",
    ),
    Check(
        "SEC-CONFIG",
        "scan",
        "Dangerous configuration",
        "Configuration keys that make a loader run code or fetch files from elsewhere.",
        "Remove the key; files are named by their plain name inside this repository.",
        (B, W),
    ),
    Check(
        "SEC-JSON",
        "scan",
        "Strict JSON",
        "JSON that parsers read differently or choke on: duplicate keys, extreme depth, huge numbers.",
        "Write the file again with an ordinary JSON library.",
    ),
    Check(
        "CARD-PARSE",
        "scan",
        "Model card",
        "Front matter of README.md that is not plain, small YAML with the known keys.",
        "Correct the block between the two --- lines; no tags, anchors or aliases.",
    ),
)
