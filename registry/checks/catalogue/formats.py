"""Whether files are what their format promises, and fit each other."""

from registry.checks.catalogue.check import B, Check, W

ALL: tuple[Check, ...] = (
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
)
