"""How the model behaves when it is loaded and asked."""

from registry.checks.catalogue.check import B, Check, I, W

ALL: tuple[Check, ...] = (
    Check(
        "RUN-LOAD",
        "run",
        "Model loads",
        "Models that the stock library cannot load, or loads only by inventing or dropping weights.",
        "Load the folder with from_pretrained in a fresh environment and mend what it reports.",
        (B, W),
    ),
    Check(
        "RUN-FINITE",
        "run",
        "Finite outputs",
        "Models that answer with values that are not numbers.",
        "Check for broken weights, or for a dtype too narrow for this model.",
    ),
    Check(
        "RUN-DETERMINISM",
        "run",
        "Repeatable outputs",
        "Models whose greedy output differs between two runs on the same machine.",
        "Remove whatever draws random numbers while the model answers.",
    ),
    Check(
        "RUN-KVCACHE",
        "run",
        "Cache agrees",
        "Models that answer differently when the key-value cache is used.",
        "Check attention and rope settings in config.json.",
    ),
    Check(
        "RUN-SKIPPED",
        "run",
        "Not run",
        "Models too large for the machines of this site; they were not run.",
        "Nothing; a maintainer weighs it in review.",
        (W,),
    ),
    Check(
        "RUN-CRASH",
        "run",
        "Crashes",
        "Models that end the test program.",
        "Load the model with the library versions of the report and look at the log.",
    ),
    Check(
        "RUN-OOM",
        "run",
        "Memory",
        "Models that need more memory than the test may use.",
        "Publish a smaller or quantised version, or ask the operators for a higher limit.",
    ),
    Check(
        "RUN-TIMEOUT",
        "run",
        "Time",
        "Models that do not finish within the time of the test.",
        "Look at the phase named; ask the operators for a higher limit where the model is sound.",
    ),
    Check(
        "QUAL-UNIFORM",
        "run",
        "Better than chance",
        "Untrained models, wrong tokenizers and scrambled layers.",
        "Make sure that weights, config.json and tokenizer are of the same model.",
    ),
    Check(
        "GEN-DEGENERATE",
        "run",
        "Repetition",
        "Models that repeat themselves on ordinary prompts.",
        "Check the chat template and the conversion; a maintainer weighs it in review.",
        (W,),
    ),
    Check(
        "GEN-PROMPT",
        "run",
        "Listens to the prompt",
        "Models that answer the same whatever is asked.",
        "Make sure that weights and tokenizer are of the same model.",
    ),
    Check(
        "PERF",
        "run",
        "Speed and memory",
        "Nothing: measures load time, time to first token, tokens per second and peak memory.",
        "Nothing to do.",
        (I,),
    ),
)
