"""What the numbers in the weights say."""

from registry.checks.catalogue.check import B, Check, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "W-FINITE",
        "weights",
        _("Finite weights"),
        _(
            "NaN and infinity anywhere in the weights, also in rows that no prompt touches, and in the "
            "scales of quantized weights."
        ),
        _("Find the step of training or conversion that broke the tensor and save it again."),
        version=2,
        matters=_(
            "One such value spreads through every layer after it, on the first prompt that "
            "touches it; until then the model seems sound."
        ),
    ),
    Check(
        "W-DEAD",
        "weights",
        _("Dead weights"),
        _(
            "Matrices of one value, norms of zeros, and rows of zeros in projections and embeddings."
        ),
        _(
            "Save the model again from the trained weights; leave tensors out that were never trained."
        ),
        (B, W),
        matters=_(
            "Whatever passes through such a tensor is lost, and the layers around it hide "
            "that well enough for a model to load and to answer."
        ),
    ),
    Check(
        "W-SCALE",
        "weights",
        _("Scale of the weights"),
        _(
            "Weights more than 8 times larger or smaller than the same ones of the other layers, and "
            "projections with absurd values."
        ),
        _(
            "Look for a scaling factor that was applied twice or left out, in merging or quantizing."
        ),
        (W,),
        matters=_(
            "A layer at the wrong scale drowns the others or is drowned; the model still "
            "loads and answers, only worse."
        ),
    ),
    Check(
        "W-DUP",
        "weights",
        _("Copied layers"),
        _("Tensors that are the same to the last byte in different layers."),
        _("If layers were repeated on purpose, say so in the card; else merge or convert again."),
        (W,),
        matters=_(
            "Training never makes two layers equal: one was copied over another, on purpose "
            "or by an error in the names of tensors."
        ),
    ),
    Check(
        "W-RANGE",
        "weights",
        _("Range of the declared type"),
        _("Values beyond 65504 where config.json declares float16."),
        _("Declare bfloat16 or float32 in config.json, or bring the values into range."),
        matters=_("Loaders cast to the declared type, and such values become infinity."),
    ),
    Check(
        "LORA-NOOP",
        "weights",
        _("Adapter without effect"),
        _("Adapters in which the product of the two matrices is zero."),
        _("Upload the adapter as it was after training, not as it was made."),
        (W,),
        matters=_(
            "Such an adapter leaves its base as it is: what the card says of it cannot come "
            "from these files."
        ),
    ),
)
