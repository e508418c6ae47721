"""How fast the registry is, as ratios against plain servers measured in the same run."""
