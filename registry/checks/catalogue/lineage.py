"""Where the weights come from, measured."""

from registry.checks.catalogue.check import Check

ALL: tuple[Check, ...] = ()
