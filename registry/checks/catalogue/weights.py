"""What the numbers in the weights say."""

from registry.checks.catalogue.check import Check

ALL: tuple[Check, ...] = (
    Check(
        "W-FINITE",
        "weights",
        "Finite weights",
        "NaN and infinity anywhere in the weights, also in rows that no prompt touches.",
        "Find the step of training or conversion that broke the tensor and save it again.",
    ),
)
