"""Whether files are what their format promises, and fit each other."""

from registry.checks.catalogue.check import B, Check, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "ST-HEADER",
        "scan",
        _("Safetensors structure"),
        _("Safetensors files whose header and data do not fit exactly."),
        _(
            "Upload the file again (it may be cut off), or save it again with the safetensors library."
        ),
        matters=_(
            "Programs read a faulty header in different ways, or take bytes for weights that "
            "are none."
        ),
    ),
    Check(
        "ST-INDEX",
        "scan",
        _("Shard index"),
        _("An index that sends tensors to files that lack them, or shards that nothing names."),
        _("Save the model again with save_pretrained and upload index and shards together."),
        (B, W),
        version=2,
        matters=_(
            "Loaders follow the index alone: what it sends astray is filled with random "
            "numbers or taken from a file of somebody else."
        ),
    ),
    Check(
        "GG-HEADER",
        "scan",
        _("GGUF structure"),
        _("GGUF files whose header, tensor list and data do not fit exactly."),
        _("Upload the file again (it may be cut off), or convert it again."),
        version=2,
        matters=_(
            "Programs that open GGUF files trust these numbers; false ones have made them "
            "crash and write over memory."
        ),
    ),
    Check(
        "GG-META",
        "scan",
        _("GGUF metadata"),
        _("GGUF files whose sizes, tokens and tensors do not make up a model that can be."),
        _("Convert the model again with a current converter; do not edit the metadata by hand."),
        matters=_(
            "The metadata is the only configuration that the file has: programs build the "
            "model and its tokenizer from it."
        ),
    ),
    Check(
        "CFG-PARSE",
        "scan",
        _("Configuration present"),
        _("Weights without a readable config.json."),
        _("Add the config.json that save_pretrained writes."),
        matters=_("Without it nobody can tell what the tensors are, and no loader opens them."),
    ),
    Check(
        "CFG-ARCH",
        "scan",
        _("Model family"),
        _("Architectures outside the families that this registry can check."),
        _("Publish models of a supported family, or ask the operators about yours."),
        version=2,
        matters=_("What cannot be checked cannot be vouched for."),
    ),
    Check(
        "CFG-LIMITS",
        "scan",
        _("Configuration limits"),
        _("Sizes that no real model has, or that do not add up to the parameters in the files."),
        _("Upload the config.json that belongs to these weights."),
        version=2,
        matters=_(
            "Loaders reserve memory for what the configuration says before they look at a "
            "single tensor."
        ),
    ),
    Check(
        "CFG-DTYPE",
        "scan",
        _("Kind of numbers"),
        _("A configuration that names another kind of numbers than the files hold."),
        _("Set dtype in config.json to what the weights are, or save the model again."),
        (W,),
        matters=_(
            "Loaders convert to what the configuration names, which costs memory or precision "
            "that nobody meant to spend."
        ),
    ),
    Check(
        "CFG-SHAPE",
        "text",
        _("Configuration fits the tensors"),
        _("Tensors whose shapes are not those that the configuration needs."),
        _("Upload the config.json that belongs to these weights."),
        version=2,
        matters=_(
            "Such tensors are refused by loaders, or thrown away and replaced by random numbers."
        ),
    ),
    Check(
        "KEY-MISSING",
        "text",
        _("Missing tensors"),
        _("Tensors that the model needs and no file holds."),
        _("Save the whole model again and upload every shard."),
        version=2,
        matters=_(
            "Loaders fill what is missing with random numbers and go on; the model answers, "
            "only worse."
        ),
    ),
    Check(
        "KEY-UNEXPECTED",
        "text",
        _("Surplus tensors"),
        _("Tensors that the configured model does not use."),
        _("Check that config.json belongs to these weights; leave surplus tensors out."),
        (B, W),
        version=2,
        matters=_(
            "Layers that nothing uses mean that the configuration cuts the model short; other "
            "surplus can carry what nobody looks at."
        ),
    ),
    Check(
        "KEY-TIED",
        "text",
        _("Tied head"),
        _("A head that differs from the embedding although the configuration ties the two."),
        _("Set tie_word_embeddings to false, or leave the head out and save the model again."),
        matters=_(
            "Loaders use the embedding and drop the head, so the model that runs is not the "
            "one that was trained."
        ),
    ),
    Check(
        "QUANT-CONFIG",
        "scan",
        _("Layout of quantized weights"),
        _(
            "Quantized weights whose method is unknown, or whose tensors do not fit the method, the "
            "bits and the group size that the configuration gives."
        ),
        _("Quantize the model again with a supported method and upload its config.json unchanged."),
        matters=_(
            "Kernels for such weights check nothing: a wrong layout gives noise, or reads "
            "beyond the tensor."
        ),
    ),
    Check(
        "LORA-BASE",
        "scan",
        _("Base of the adapter"),
        _("Adapters that do not say which model they belong to, or name a path or an address."),
        _("Set base_model_name_or_path to the name of the base in this registry."),
        (B, W),
        matters=_(
            "An adapter is nothing without its base, and loaders fetch whatever stands there."
        ),
    ),
    Check(
        "LORA-SHAPE",
        "scan",
        _("Tensors of the adapter"),
        _(
            "Adapters whose pairs of matrices are not whole, have another rank than they say, or fit "
            "no module of the base."
        ),
        _("Save the adapter again with the library that trained it."),
        matters=_(
            "Half a pair is dropped or left random by loaders, and the adapter then does "
            "something else than was tested."
        ),
    ),
)
