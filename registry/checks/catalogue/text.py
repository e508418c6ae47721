"""Tokenizer and chat template."""

from registry.checks.catalogue.check import B, Check, W

ALL: tuple[Check, ...] = (
    Check(
        "TOK-VOCAB",
        "scan",
        "Vocabulary fits the embedding",
        "Token ids for which the embedding has no row.",
        "Resize the embedding, or upload the tokenizer that belongs to these weights.",
        (B, W),
    ),
    Check(
        "TOK-LOAD",
        "text",
        "Tokenizer loads",
        "Tokenizers that are absent or broken.",
        "Add tokenizer.json and tokenizer_config.json as save_pretrained writes them.",
    ),
    Check(
        "TPL-RENDER",
        "text",
        "Chat template renders",
        "Chat templates that fail, hang or explode.",
        "Try apply_chat_template with a user message, and with system and several turns.",
        (B, W),
    ),
)
