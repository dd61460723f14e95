"""Compile a quantization request for a network into the JSON configuration that AMCT reads.

from quantcfg import create_quant_config

create_quant_config("config.json", "deploy.prototxt", "net.caffemodel", config_defination="quant.cfg")
"""

from __future__ import annotations

from importlib import import_module

TYPE_CHECKING = False  # Type checkers know the name. Importing typing takes half as long as argparse.

if TYPE_CHECKING:
    from quantcfg.advice import Advice, Simulation
    from quantcfg.api import (
        Compilation,
        Formatting,
        Migration,
        QuantConfigError,
        QuantConfigWarning,
        advise,
        check_text,
        compile_config,
        config_schema,
        explain,
        format_text,
        migrate_text,
        read_model,
    )
    from quantcfg.caffe import create_quant_config
    from quantcfg.decompiler import Decompilation, decompile
    from quantcfg.diagnostics import Diagnostic, Edit, Related, Severity
    from quantcfg.diagnostics.formats.text import render
    from quantcfg.network.network import Layer, Network
    from quantcfg.provenance.explanation import Beaten, Explanation, LayerExplanation, Provenance
    from quantcfg.source import Source, Span

__version__ = "0.1.0"

__all__ = [
    "Advice",
    "Beaten",
    "Compilation",
    "Decompilation",
    "Diagnostic",
    "Edit",
    "Explanation",
    "Formatting",
    "Layer",
    "LayerExplanation",
    "Migration",
    "Network",
    "Provenance",
    "QuantConfigError",
    "QuantConfigWarning",
    "Related",
    "Severity",
    "Simulation",
    "Source",
    "Span",
    "advise",
    "check_text",
    "compile_config",
    "config_schema",
    "create_quant_config",
    "decompile",
    "explain",
    "format_text",
    "migrate_text",
    "read_model",
    "render",
]

_HOMES = {
    "Advice": "advice",
    "Simulation": "advice",
    "Decompilation": "decompiler",
    "create_quant_config": "caffe",
    "decompile": "decompiler",
    "Beaten": "provenance.explanation",
    "Diagnostic": "diagnostics",
    "Edit": "diagnostics",
    "Explanation": "provenance.explanation",
    "Layer": "network.network",
    "LayerExplanation": "provenance.explanation",
    "Network": "network.network",
    "Provenance": "provenance.explanation",
    "Related": "diagnostics",
    "render": "diagnostics.formats.text",
    "Severity": "diagnostics",
    "Source": "source",
    "Span": "source",
}


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


def __getattr__(name: str) -> object:
    """Import a public name on first use, so that importing the package is fast."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'api')}"), name)
