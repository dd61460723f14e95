"""The published contracts: what comes out, and what each layer type can do."""
