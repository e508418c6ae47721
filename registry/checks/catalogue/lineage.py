"""Where the weights come from, measured."""

from registry.checks.catalogue.check import Check, I, W

ALL: tuple[Check, ...] = (
    Check(
        "LIN-IDENTICAL",
        "lineage",
        "A copy of a published model",
        "Weights of which at least 99 % of the tensors are those of a published model.",
        "Publish what you changed, or say in the card why the same weights stand here again.",
        (W,),
        matters="Readers take a copy under another name for a model of its own, and its license "
        "and recalls are those of the original.",
    ),
    Check(
        "LIN-BASE",
        "lineage",
        "Declared base",
        "Weights that do not come from the base that the card names, or only partly.",
        "Name the model that these weights were made from as base_model in the card.",
        (W,),
        matters="The license, the duties and the recalls of the base pass on to what is made of "
        "it, so a wrong base promises the wrong ones.",
    ),
    Check(
        "LIN-DISGUISED",
        "lineage",
        "A disguised copy",
        "Weights that are those of a published model, permuted, rotated or reordered.",
        "Name that model as base_model in the card, and say what was done to its weights.",
        (W,),
        matters="Somebody may want to hide where the weights come from, and with it the license.",
    ),
    Check(
        "LIN-UNDECLARED",
        "lineage",
        "An undeclared base",
        "A card that names no base although a published model has nearly the same weights.",
        "Name that model as base_model in the card.",
        (W,),
        matters="What is made of a model stands under its license, whether the card says so or "
        "not.",
    ),
    Check(
        "LIN-KIND",
        "lineage",
        "What was done to the base",
        "How the weights differ from the base: the same, an adapter merged in, fine-tuned as a "
        "whole, quantised, pruned, or with layers cut out.",
        "Nothing has to be done; say in the card how the model was made if this surprises you.",
        (I,),
        matters="It tells reviewers and readers what to expect of the model, and what to test.",
    ),
)
