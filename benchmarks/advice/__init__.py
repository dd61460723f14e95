"""How well advice predicts: the method of the reference (weights.md 4.3, 4.4) on real networks."""
