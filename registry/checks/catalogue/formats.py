"""Whether files are what their format promises, and fit each other."""

from registry.checks.catalogue.check import B, Check, W

ALL: tuple[Check, ...] = (
    Check(
        "ST-HEADER",
        "scan",
        "Safetensors structure",
        "Safetensors files whose header and data do not fit exactly.",
        "Upload the file again (it may be cut off), or save it again with the safetensors library.",
        matters="Programs read a faulty header in different ways, or take bytes for weights that "
        "are none.",
    ),
    Check(
        "ST-INDEX",
        "scan",
        "Shard index",
        "An index that sends tensors to files that lack them, or shards that nothing names.",
        "Save the model again with save_pretrained and upload index and shards together.",
        (B, W),
        version=2,
        matters="Loaders follow the index alone: what it sends astray is filled with random "
        "numbers or taken from a file of somebody else.",
    ),
    Check(
        "GG-HEADER",
        "scan",
        "GGUF structure",
        "GGUF files whose header, tensor list and data do not fit exactly.",
        "Upload the file again (it may be cut off), or convert it again.",
        version=2,
        matters="Programs that open GGUF files trust these numbers; false ones have made them "
        "crash and write over memory.",
    ),
    Check(
        "GG-META",
        "scan",
        "GGUF metadata",
        "GGUF files whose sizes, tokens and tensors do not make up a model that can be.",
        "Convert the model again with a current converter; do not edit the metadata by hand.",
        matters="The metadata is the only configuration that the file has: programs build the "
        "model and its tokenizer from it.",
    ),
    Check(
        "CFG-PARSE",
        "scan",
        "Configuration present",
        "Weights without a readable config.json.",
        "Add the config.json that save_pretrained writes.",
        matters="Without it nobody can tell what the tensors are, and no loader opens them.",
    ),
    Check(
        "CFG-ARCH",
        "scan",
        "Model family",
        "Architectures outside the families that this registry can check.",
        "Publish models of a supported family, or ask the operators about yours.",
        version=2,
        matters="What cannot be checked cannot be vouched for.",
    ),
    Check(
        "CFG-LIMITS",
        "scan",
        "Configuration limits",
        "Sizes that no real model has, or that do not add up to the parameters in the files.",
        "Upload the config.json that belongs to these weights.",
        version=2,
        matters="Loaders reserve memory for what the configuration says before they look at a "
        "single tensor.",
    ),
    Check(
        "CFG-DTYPE",
        "scan",
        "Kind of numbers",
        "A configuration that names another kind of numbers than the files hold.",
        "Set dtype in config.json to what the weights are, or save the model again.",
        (W,),
        matters="Loaders convert to what the configuration names, which costs memory or precision "
        "that nobody meant to spend.",
    ),
    Check(
        "CFG-SHAPE",
        "text",
        "Configuration fits the tensors",
        "Tensors whose shapes are not those that the configuration needs.",
        "Upload the config.json that belongs to these weights.",
        version=2,
        matters="Such tensors are refused by loaders, or thrown away and replaced by random "
        "numbers.",
    ),
    Check(
        "KEY-MISSING",
        "text",
        "Missing tensors",
        "Tensors that the model needs and no file holds.",
        "Save the whole model again and upload every shard.",
        version=2,
        matters="Loaders fill what is missing with random numbers and go on; the model answers, "
        "only worse.",
    ),
    Check(
        "KEY-UNEXPECTED",
        "text",
        "Surplus tensors",
        "Tensors that the configured model does not use.",
        "Check that config.json belongs to these weights; leave surplus tensors out.",
        (B, W),
        version=2,
        matters="Layers that nothing uses mean that the configuration cuts the model short; other "
        "surplus can carry what nobody looks at.",
    ),
    Check(
        "KEY-TIED",
        "text",
        "Tied head",
        "A head that differs from the embedding although the configuration ties the two.",
        "Set tie_word_embeddings to false, or leave the head out and save the model again.",
        matters="Loaders use the embedding and drop the head, so the model that runs is not the "
        "one that was trained.",
    ),
    Check(
        "QUANT-CONFIG",
        "scan",
        "Layout of quantised weights",
        "Quantised weights whose method is unknown, or whose tensors do not fit the method, the "
        "bits and the group size that the configuration gives.",
        "Quantise the model again with a supported method and upload its config.json unchanged.",
        matters="Kernels for such weights check nothing: a wrong layout gives noise, or reads "
        "beyond the tensor.",
    ),
    Check(
        "LORA-BASE",
        "scan",
        "Base of the adapter",
        "Adapters that do not say which model they belong to, or name a path or an address.",
        "Set base_model_name_or_path to the name of the base in this registry.",
        (B, W),
        matters="An adapter is nothing without its base, and loaders fetch whatever stands there.",
    ),
    Check(
        "LORA-SHAPE",
        "scan",
        "Tensors of the adapter",
        "Adapters whose pairs of matrices are not whole, have another rank than they say, or fit "
        "no module of the base.",
        "Save the adapter again with the library that trained it.",
        matters="Half a pair is dropped or left random by loaders, and the adapter then does "
        "something else than was tested.",
    ),
)
