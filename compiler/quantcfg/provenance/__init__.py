"""Explain the values of a configuration: where each comes from, what it overrides, and by which rule."""

from quantcfg.provenance.explain import explained
from quantcfg.provenance.explanation import Beaten, Explanation, LayerExplanation, Provenance
from quantcfg.provenance.formats import json, text

__all__ = ["Beaten", "Explanation", "LayerExplanation", "Provenance", "explained", "json", "text"]
