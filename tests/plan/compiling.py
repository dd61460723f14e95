"""Requests compiled as the library does it, and what was found said in short."""

from __future__ import annotations

from quantcfg import Compilation, Diagnostic, compile_config
from tests.networks import network

CONFIG = "quant.cfg"


def compiled(prototxt: str, config_text: str) -> Compilation:
    return compile_config(network(prototxt), config_text=config_text, config_name=CONFIG)


def findings(compilation: Compilation) -> list[str]:
    return [finding(diagnostic) for diagnostic in compilation.diagnostics]


def finding(diagnostic: Diagnostic) -> str:
    """Return a code, the line and the column of its place, and the source where that is not the quant.cfg."""
    if diagnostic.span is None:
        return diagnostic.code
    line, column = diagnostic.span.start_position
    source = diagnostic.span.source.name
    return f"{diagnostic.code} {line}:{column}" + ("" if source == CONFIG else f" of {source}")
