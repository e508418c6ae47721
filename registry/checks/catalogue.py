"""Which checks there are: what each catches, what its author should do, and how grave it can be.

Ids are stable: reports, filters, mails and the page /docs/checks use them.
"""

from dataclasses import dataclass

from registry.checks.findings import Severity

CATALOGUE = "2026.1"
STAGES = ("upload", "scan", "weights", "text", "run")

B, W, I = Severity.BLOCK, Severity.WARN, Severity.INFO  # noqa: E741


@dataclass(frozen=True)
class Check:
    """One check. `version` rises whenever it would judge the same bytes differently."""

    id: str
    stage: str
    title: str
    catches: str
    remedy: str
    severities: tuple[Severity, ...] = (B,)
    version: int = 1

    @property
    def anchor(self) -> str:
        return self.id.lower()


_ALL = (
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
    Check(
        "ST-HEADER",
        "scan",
        "Safetensors structure",
        "Safetensors files whose header and data do not fit exactly.",
        "Upload the file again (it may be cut off), or save it again with the safetensors library.",
    ),
    Check(
        "ST-INDEX",
        "scan",
        "Shard index",
        "An index that sends tensors to files that lack them, or shards that nothing names.",
        "Save the model again with save_pretrained and upload index and shards together.",
        (B, W),
    ),
    Check(
        "GG-HEADER",
        "scan",
        "GGUF structure",
        "GGUF files whose header, tensor list and data do not fit exactly.",
        "Upload the file again (it may be cut off), or convert it again.",
    ),
    Check(
        "CFG-PARSE",
        "scan",
        "Configuration present",
        "Weights without a readable config.json.",
        "Add the config.json that save_pretrained writes.",
    ),
    Check(
        "CFG-ARCH",
        "scan",
        "Model family",
        "Architectures outside the families that this registry can check.",
        "Publish models of a supported family, or ask the operators about yours.",
    ),
    Check(
        "CFG-LIMITS",
        "scan",
        "Configuration limits",
        "Sizes that no real model has, or that do not add up to the parameters in the files.",
        "Upload the config.json that belongs to these weights.",
    ),
    Check(
        "CFG-SHAPE",
        "scan",
        "Configuration fits the tensors",
        "Tensors whose shapes are not those that the configuration needs.",
        "Upload the config.json that belongs to these weights.",
    ),
    Check(
        "KEY-MISSING",
        "scan",
        "Missing tensors",
        "Tensors that the model needs and no file holds; loaders would fill in random numbers.",
        "Save the whole model again and upload every shard.",
    ),
    Check(
        "KEY-UNEXPECTED",
        "scan",
        "Surplus tensors",
        "Tensors that the configured model does not use.",
        "Check that config.json belongs to these weights; leave surplus tensors out.",
        (B, W),
    ),
    Check(
        "W-FINITE",
        "weights",
        "Finite weights",
        "NaN and infinity anywhere in the weights, also in rows that no prompt touches.",
        "Find the step of training or conversion that broke the tensor and save it again.",
    ),
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

CHECKS = {check.id: check for check in _ALL}
VERSIONS = {check.id: check.version for check in _ALL}


def of_stage(*stages: str) -> list[Check]:
    return [check for check in _ALL if check.stage in stages]
