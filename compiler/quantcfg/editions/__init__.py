"""The editions of AMCT: one package each, which alone knows the format of its models."""
