"""Where the values of a configuration come from: what was chosen, what that beat, and by which rule."""

from quantcfg.provenance import json, text
from quantcfg.provenance.explain import explained
from quantcfg.provenance.explanation import Beaten, Explanation, LayerExplanation, Provenance

__all__ = ["Beaten", "Explanation", "LayerExplanation", "Provenance", "explained", "json", "text"]
