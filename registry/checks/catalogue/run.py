"""How the model behaves when it is loaded and asked."""

from registry.checks.catalogue.check import B, Check, I, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "RUN-LOAD",
        "run",
        _("Model loads"),
        _(
            "Models that the stock library cannot load, or loads only by inventing or dropping weights."
        ),
        _("Load the folder with from_pretrained in a fresh environment and mend what it reports."),
        (B, W),
        version=2,
        matters=_(
            "Whoever downloads it would meet the same error, or run a model with invented parts."
        ),
    ),
    Check(
        "RUN-FINITE",
        "run",
        _("Finite outputs"),
        _("Models that answer with values that are not numbers."),
        _("Check for broken weights, or for a dtype too narrow for this model."),
        matters=_("One such value spreads through all that follows, and the answers become noise."),
    ),
    Check(
        "RUN-DETERMINISM",
        "run",
        _("Repeatable outputs"),
        _("Models whose greedy output differs between two runs on the same machine."),
        _("Remove whatever draws random numbers while the model answers."),
        matters=_("What cannot be repeated cannot be compared or reviewed."),
    ),
    Check(
        "RUN-KVCACHE",
        "run",
        _("Cache agrees"),
        _("Models that answer differently when the key-value cache is used."),
        _("Check attention and rope settings in config.json."),
        matters=_(
            "Every server generates with the cache; what was evaluated without it is then another "
            "model."
        ),
    ),
    Check(
        "RUN-PADDING",
        "run",
        _("Batches agree"),
        _("Models that read prompts in a batch, filled up on the left, otherwise than each alone."),
        _("Check positions and the attention mask; a maintainer weighs it in review."),
        (W,),
        matters=_(
            "Servers batch the requests of several people, who would disturb each other's answers."
        ),
    ),
    Check(
        "RUN-LONG",
        "run",
        _("Long texts"),
        _("Models that read the end of their declared context much worse than its beginning."),
        _("Declare the context that the model was trained for, or mend its rope settings."),
        (B, W),
        version=2,
        matters=_("People rely on the context that the configuration promises."),
    ),
    Check(
        "RUN-BACKEND",
        "run",
        _("Faithful formats"),
        _(
            "Weights of eight bits and more that do not say what their 16-bit parent says, and GGUF files "
            "that llama.cpp reads otherwise than the stock library, or not at all."
        ),
        _("Convert again from the parent, with current tools."),
        (W,),
        version=2,
        matters=_(
            "At such precision nearly nothing is lost, and both read the same numbers; a difference is "
            "a fault of the conversion."
        ),
    ),
    Check(
        "RUN-SKIPPED",
        "run",
        _("Not run"),
        _(
            "Models that were not run: too large for the machines of this site, of a format whose kernels "
            "are absent, or adapters whose base is not here; and weights that no loader reads."
        ),
        _("Delete weights that no loader reads; else nothing, a maintainer weighs it in review."),
        (W,),
        version=3,
        matters=_("Nobody has seen this model answer."),
    ),
    Check(
        "RUN-CRASH",
        "run",
        _("Crashes"),
        _("Models that end the test program."),
        _("Load the model with the library versions of the report and look at the log."),
        matters=_("It would end the programs of those who use it as well."),
    ),
    Check(
        "RUN-OOM",
        "run",
        _("Memory"),
        _("Models that need more memory than the test may use."),
        _("Publish a smaller or quantized version, or ask the operators for a higher limit."),
        matters=_("A model that takes more than its size suggests cannot be planned for."),
    ),
    Check(
        "RUN-TIMEOUT",
        "run",
        _("Time"),
        _("Models that do not finish within the time of the test."),
        _(
            "Look at the phase named; ask the operators for a higher limit where the model is sound."
        ),
        matters=_("What hangs here hangs for everybody."),
    ),
    Check(
        "QUAL-UNIFORM",
        "run",
        _("Better than chance"),
        _("Untrained models, wrong tokenizers and scrambled layers."),
        _("Make sure that weights, config.json and tokenizer are of the same model."),
        matters=_("Such a model loads and answers, and all that it says is noise."),
    ),
    Check(
        "QUAL-BASE",
        "run",
        _("As good as its base"),
        _(
            "Models that predict the fixed texts much worse than their declared base: wrong rope, "
            "activation, heads or order of layers."
        ),
        _("Compare config.json with that of the base; name the base that the weights come from."),
        (B, W),
        matters=_("Faults of the configuration leave a model that runs, only much worse."),
    ),
    Check(
        "QUANT-DRIFT",
        "run",
        _("Loss of quantization"),
        _("Quantized models that say something else than the model they were made of."),
        _("Quantize again, with more bits or better calibration."),
        (B, W),
        matters=_("People take a quantized model for the evaluated one."),
    ),
    Check(
        "GEN-DEGENERATE",
        "run",
        _("Repetition"),
        _("Models that repeat themselves on ordinary prompts."),
        _("Check the chat template and the conversion; a maintainer weighs it in review."),
        (W,),
        version=2,
        matters=_("Loops are the first sign of a wrong template or a damaged conversion."),
    ),
    Check(
        "GEN-PROMPT",
        "run",
        _("Listens to the prompt"),
        _("Models that answer the same whatever is asked."),
        _("Make sure that weights and tokenizer are of the same model."),
        version=2,
        matters=_("A model that does not hear the question is of no use."),
    ),
    Check(
        "GEN-STOP",
        "run",
        _("Ends its answers"),
        _("Chat models that do not end their answers to short questions."),
        _("Name the end token of the template as eos_token_id in generation_config.json."),
        (W,),
        matters=_("Every answer would run until the limit and cost as much."),
    ),
    Check(
        "MM-IMAGE",
        "run",
        _("Sees pictures"),
        _("Models for pictures whose processor does not fit, or that do not look at the picture."),
        _(
            "Add preprocessor_config.json of the model and make sure that the vision weights are there."
        ),
        (B, W),
        version=2,
        matters=_("It would answer about pictures that it has not seen."),
    ),
    Check(
        "LORA-EFFECT",
        "run",
        _("Adapter has an effect"),
        _("Adapters that change nothing in what their base says."),
        _("Make sure that the adapter was saved after training."),
        (W,),
        matters=_("People would run the bare base and believe that it was adapted."),
    ),
    Check(
        "SAFE-PROBE",
        "run",
        _("Refusals"),
        _("Chat models that answer what their base refuses, or refuse harmless questions."),
        _("Nothing, where it is meant; say so in the card. A maintainer weighs it in review."),
        (I, W),
        matters=_("Fine-tuning can take a model's refusals away without anybody noticing."),
    ),
    Check(
        "PERF",
        "run",
        _("Speed and memory"),
        _(
            "Nothing: measures load time, time to first token, tokens per second, peak memory and energy."
        ),
        _("Nothing to do."),
        (I,),
        version=2,
        matters=_("These are the numbers by which people choose where to run a model."),
    ),
)
