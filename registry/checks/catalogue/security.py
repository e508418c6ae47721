"""Intake: what could act, hide or mislead, judged from the bytes alone."""

from registry.checks.catalogue.check import B, Check, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "SEC-MAGIC",
        "scan",
        _("Content matches the name"),
        _("Files whose bytes are something else than their name says, or two formats at once."),
        _("Upload the file that the name promises, written by its usual program."),
        version=3,
        matters=_(
            "A file that two programs read in two ways can pass as one thing and act as the other."
        ),
    ),
    Check(
        "SEC-NATIVE",
        "scan",
        _("Programs"),
        _("Executables, libraries and scripts under any name."),
        _("Delete the file. Programs are not published here."),
        matters=_(
            "A program in a folder of weights runs with the rights of whoever starts it by mistake."
        ),
    ),
    Check(
        "SEC-ARCHIVE",
        "scan",
        _("Archives"),
        _("Archives and compressed files, which hide what they hold."),
        _("Upload the files themselves; transfer is compressed where that helps."),
        version=2,
        matters=_(
            "What is packed is seen by no check, can unpack to a thousand times its size, or outside its folder."
        ),
    ),
    Check(
        "SEC-PICKLE",
        "scan",
        _("Pickles that act"),
        _(
            "Checkpoint files that would call anything beyond rebuilding tensors when they are opened."
        ),
        _("Load the checkpoint on a machine that you trust and save it again with safetensors."),
        matters=_(
            "Opening such a file runs its author's commands on the computer of whoever loads the model."
        ),
    ),
    Check(
        "SEC-PICKLE-PARSE",
        "scan",
        _("Pickles that lie"),
        _(
            "Checkpoint files that are cut off, damaged or built so that scanners and loaders disagree."
        ),
        _("Save the checkpoint again, best with safetensors."),
        matters=_(
            "Where scanner and loader read a stream differently, what one clears is not what the other runs."
        ),
    ),
    Check(
        "SEC-CONTAINER",
        "scan",
        _("Checkpoint containers"),
        _("Zip tricks around a checkpoint: hidden members, gaps, compression, wrong checksums."),
        _("Save with torch.save of a current PyTorch, or better with safetensors."),
        matters=_(
            "Tricks with zip members show a harmless file to one reader and another file to the loader."
        ),
    ),
    Check(
        "SEC-CODE",
        "scan",
        _("Models with code"),
        _("Repositories that bring code of their own, by file or by configuration."),
        _(
            "Remove the files and the keys named. Only model families that the libraries know run here."
        ),
        matters=_(
            "Code of a repository runs with the rights of whoever loads the model, unread and unsandboxed."
        ),
    ),
    Check(
        "SEC-CONFIG",
        "scan",
        _("Dangerous configuration"),
        _("Configuration keys that make a loader run code or fetch files from elsewhere."),
        _("Remove the key; files are named by their plain name inside this repository."),
        (B, W),
        version=2,
        matters=_(
            "Such a key turns a plain load into running somebody's code, or into fetching unchecked files."
        ),
    ),
    Check(
        "SEC-JSON",
        "scan",
        _("Strict JSON"),
        _(
            "JSON that parsers read differently or choke on: duplicate keys, extreme depth, huge numbers."
        ),
        _("Write the file again with an ordinary JSON library."),
        version=2,
        matters=_(
            "Of two readers of such a file each sees another configuration, or one of them hangs."
        ),
    ),
    Check(
        "SEC-REGEX",
        "scan",
        _("Patterns"),
        _(
            "Regular expressions in tokenizers and adapters that can take exponential time, refer back, or "
            "are too long or too odd to be judged."
        ),
        _(
            "Use the pattern of the tokenizer that the model was trained with, or one without a repetition "
            "inside a repetition."
        ),
        version=2,
        matters=_(
            "One crafted sentence would keep every server that runs the tokenizer busy for years."
        ),
    ),
    Check(
        "SEC-TEMPLATE",
        "scan",
        _("Chat template"),
        _(
            "Templates that reach for the insides of Python, load other templates, or make texts without end."
        ),
        _(
            "Remove what the message names; messages, roles, tools, macros and loops are all that a chat "
            "template needs."
        ),
        matters=_(
            "A chat template is a program that runs on the computer of whoever chats with the model."
        ),
    ),
    Check(
        "SEC-SECRET",
        "scan",
        _("Keys and tokens"),
        _("Access tokens, private keys and addresses with passwords in text files and metadata."),
        _("Revoke it where it was issued, at once: it was uploaded. Then replace the file."),
        matters=_("Whoever reads the file can act in the name of whom the token belongs to."),
    ),
    Check(
        "SEC-AV",
        "scan",
        _("Malware scanners"),
        _("Files that a scanner which the site has switched on takes for malware."),
        _("Delete the file. Where you are sure that it is harmless, write to the maintainers."),
        matters=_("A second opinion finds what was seen elsewhere before."),
    ),
    Check(
        "CARD-PARSE",
        "scan",
        _("Model card"),
        _("Front matter of README.md that is not plain, small YAML with the known keys."),
        _("Correct the block between the two --- lines; no tags, anchors or aliases."),
        matters=_(
            "License, base models and tags are read from it; what is ambiguous there has no legal meaning."
        ),
    ),
    Check(
        "CARD-LICENSE",
        "scan",
        _("License in the card"),
        _(
            "Cards that name no license, one that nobody knows, or another than their base model requires."
        ),
        _(
            "Set license in the front matter of README.md; with other, also license_name, and add the text."
        ),
        (W,),
        matters=_(
            "Nobody may use a model whose terms are not stated; what its base asks binds it too."
        ),
    ),
)
