"""How fast it is, as ratios against what people would use instead."""
