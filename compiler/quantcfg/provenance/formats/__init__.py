"""Renderers of explanations, one module per format."""
