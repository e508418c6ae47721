"""Where the weights come from, measured."""

from registry.checks.catalogue.check import Check, I, W
from registry.checks.catalogue.check import gettext_noop as _

ALL: tuple[Check, ...] = (
    Check(
        "LIN-IDENTICAL",
        "lineage",
        _("A copy of a published model"),
        _("Weights of which at least 99 % of the tensors are those of a published model."),
        _("Publish what you changed, or say in the card why the same weights stand here again."),
        (W,),
        matters=_(
            "Readers take a copy under another name for a model of its own, and its license "
            "and recalls are those of the original."
        ),
    ),
    Check(
        "LIN-BASE",
        "lineage",
        _("Declared base"),
        _("Weights that do not come from the base that the card names, or only partly."),
        _("Name the model that these weights were made from as base_model in the card."),
        (W,),
        matters=_(
            "The license, the duties and the recalls of the base pass on to what is made of "
            "it, so a wrong base promises the wrong ones."
        ),
    ),
    Check(
        "LIN-DISGUISED",
        "lineage",
        _("A disguised copy"),
        _("Weights that are those of a published model, permuted, rotated or reordered."),
        _("Name that model as base_model in the card, and say what was done to its weights."),
        (W,),
        matters=_(
            "Somebody may want to hide where the weights come from, and with it the license."
        ),
    ),
    Check(
        "LIN-UNDECLARED",
        "lineage",
        _("An undeclared base"),
        _("A card that names no base although a published model has nearly the same weights."),
        _("Name that model as base_model in the card."),
        (W,),
        matters=_(
            "What is made of a model stands under its license, whether the card says so or not."
        ),
    ),
    Check(
        "LIN-KIND",
        "lineage",
        _("What was done to the base"),
        _(
            "How the weights differ from the base: the same, an adapter merged in, fine-tuned as a "
            "whole, quantized, pruned, or with layers cut out."
        ),
        _("Nothing has to be done; say in the card how the model was made if this surprises you."),
        (I,),
        matters=_("It tells reviewers and readers what to expect of the model, and what to test."),
    ),
)
