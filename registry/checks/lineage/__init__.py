"""Where weights come from, measured: what is kept of each model, and how two of them compare."""
