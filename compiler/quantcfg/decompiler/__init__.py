"""Decompile a configuration to the shortest quant.cfg that compiles to it."""

from quantcfg.decompiler.decompilation import Decompilation, decompile, decompile_source

__all__ = ["Decompilation", "decompile", "decompile_source"]
