"""Tokenizer and chat template."""

from registry.checks.catalogue.check import B, Check, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "TOK-VOCAB",
        "scan",
        _("Vocabulary fits the embedding"),
        _("Token ids for which the embedding has no row."),
        _("Resize the embedding, or upload the tokenizer that belongs to these weights."),
        (B, W),
        version=2,
        matters=_(
            "Such an id ends a GPU program with an error that says nothing, or reads foreign memory."
        ),
    ),
    Check(
        "TOK-LOAD",
        "text",
        _("Tokenizer loads"),
        _("Tokenizers that are absent or broken."),
        _("Add tokenizer.json and tokenizer_config.json as save_pretrained writes them."),
        version=2,
        matters=_("Without its tokenizer nobody can ask the model anything."),
    ),
    Check(
        "TOK-SPECIAL",
        "text",
        _("Start, end and padding"),
        _(
            "Special tokens that do not exist, that the files disagree on, or that are not read as one token."
        ),
        _(
            "Give config.json, generation_config.json and tokenizer_config.json the same start, end and "
            "padding tokens."
        ),
        (B, W),
        matters=_("A model whose end token is wrong never stops, or stops at once."),
    ),
    Check(
        "TOK-ROUNDTRIP",
        "text",
        _("Texts survive"),
        _(
            "Tokenizers that do not give back the text they were given, in twenty texts of fifteen scripts."
        ),
        _(
            "Upload the tokenizer that the model was trained with, with its byte tokens and its decoder."
        ),
        (B, W),
        matters=_("What the tokenizer loses the model never sees, and cannot write."),
    ),
    Check(
        "TOK-FERTILITY",
        "text",
        _("Merges are there"),
        _("Tokenizers that cut English almost into letters although their vocabulary is large."),
        _(
            "Convert the tokenizer again; its merges are missing or do not belong to this vocabulary."
        ),
        (W,),
        matters=_(
            "The model was trained on other tokens: it answers worse, slower, and forgets earlier."
        ),
    ),
    Check(
        "TOK-DRIFT",
        "text",
        _("Tokenizer of the base"),
        _("Tokenizers that differ from the one of the declared base model."),
        _(
            "Upload the tokenizer of the base, or say in the card which tokens were changed and why."
        ),
        (W,),
        matters=_("Two tokens that changed places turn answers around and change no other figure."),
    ),
    Check(
        "TOK-TIME",
        "text",
        _("Tokenising is fast"),
        _("Patterns in a tokenizer that take far longer than twice the time for twice the text."),
        _("Use the pattern of the base model; avoid repeated groups inside repeated groups."),
        matters=_(
            "One prompt could keep the server of everybody who runs this model busy for ever."
        ),
    ),
    Check(
        "TPL-RENDER",
        "text",
        _("Chat template renders"),
        _("Chat templates that fail, hang or explode."),
        _(
            "Try apply_chat_template with a user message, with system and several turns, and with a tool."
        ),
        (B, W),
        version=2,
        matters=_("Programs that chat with the model break on it, or stand still."),
    ),
    Check(
        "TPL-CONTENT",
        "text",
        _("Messages reach the model"),
        _("Chat templates that lose a message, or change the order of messages."),
        _("Print what apply_chat_template makes of a conversation and look for each message."),
        (B, W),
        matters=_("The model answers a question that nobody asked."),
    ),
    Check(
        "TPL-GENPROMPT",
        "text",
        _("The answer is opened"),
        _(
            "Templates of chat models that do not add the header of the answer when they are asked to."
        ),
        _("End the template with the assistant's header inside {% if add_generation_prompt %}."),
        (W,),
        matters=_(
            "The model goes on with the user's text, or invents roles, in place of answering."
        ),
    ),
    Check(
        "TPL-MISSING",
        "text",
        _("Chat models have a template"),
        _("Models that are named or tagged as chat models and have no chat template."),
        _("Add chat_template.jinja, or take the word chat out of name and tags."),
        (W,),
        matters=_("Everybody would guess the format, and most would guess wrongly."),
    ),
    Check(
        "TPL-INJECT",
        "text",
        _("Added text"),
        _("Sentences and addresses that a template adds to every conversation."),
        _("Leave them to those who use the model, or say in the card why they are needed."),
        (W,),
        matters=_("Instructions that nobody sees speak in the name of those who run the model."),
    ),
    Check(
        "TPL-TRIGGER",
        "text",
        _("Hidden switches"),
        _("Templates that do something else at certain words in a message or at certain dates."),
        _("Compare roles, marks such as <think> and settings, but not what people write."),
        (W,),
        matters=_("A model that is harmless in every test could be told to act otherwise later."),
    ),
    Check(
        "TPL-DRIFT",
        "text",
        _("Template of the base"),
        _("Chat templates that differ from the one of the declared base model."),
        _("Use the template of the base, or say in the card what was changed and why."),
        (W,),
        matters=_(
            "The model learnt one format; another makes it worse, and can hide instructions."
        ),
    ),
    Check(
        "TPL-CONFLICT",
        "scan",
        _("One template"),
        _(
            "Chat templates in chat_template.jinja, tokenizer_config.json, chat_template.json and GGUF files "
            "that differ from each other."
        ),
        _("Keep one template, and convert GGUF files again after changing it."),
        (W,),
        matters=_(
            "Which one counts depends on the program: what was reviewed is not what others run."
        ),
    ),
)
