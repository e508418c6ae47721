"""How a loaded model behaves: one module a check, each on the same subject."""
