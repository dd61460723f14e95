"""quantcfg decompile: write the shortest quant.cfg that compiles to a configuration."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import (
    STANDARD_STREAM,
    add_model_arguments,
    add_output_argument,
    add_report_arguments,
)
from quantcfg.cli.console import counts, print_report, reported
from quantcfg.cli.streams import Loaded, check_inputs, edition_of, read_with_model, write_output
from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.diagnostics.phrases import counted

if TYPE_CHECKING:
    from quantcfg.decompiler import Decompilation
    from quantcfg.source import Source

EPILOG = """\
examples:
  quantcfg decompile config.json --model MODEL
  quantcfg decompile config.json --model MODEL --weights WEIGHTS -o quant.cfg

exit status: 0 success, 1 the configuration has errors or no quant.cfg can express it, 2 usage error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Write the shortest quant.cfg that compiles to a JSON configuration. Values that no quant.cfg can\n"
        "express are reported by layer and key; then nothing is written."
    )
    parser.add_argument("file", metavar="FILE", help='the configuration; "-" is standard input')
    add_model_arguments(parser)
    add_output_argument(parser)
    add_report_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Decompile, write the result, and report diagnostics and a summary."""
    check_inputs(options, (options.file,))
    source, model, found = read_with_model(options, options.file, wanted="a JSON configuration")
    decompilation = _decompiled(options, source, model, found) if source else None
    found = reported(options, found)
    text = decompilation.text if decompilation and not has_errors(found) else None
    written = text is not None and write_output(options, text, (options.file, *model.files), found.append)
    print_report(options, found, _summary(options, decompilation, found, written=written))
    return 0 if written else 1


def _decompiled(
    options: argparse.Namespace, source: Source, model: Loaded, found: list[Diagnostic]
) -> Decompilation | None:
    """Decompile a configuration; without a network, only check it."""
    from quantcfg.compile import check_source
    from quantcfg.decompiler import decompile_source

    if model.network is None:
        found += check_source(source, None, edition_of(options, source, model))
        return None
    decompilation = decompile_source(source, model.network)
    found += decompilation.diagnostics
    return decompilation


def _summary(
    options: argparse.Namespace,
    decompilation: Decompilation | None,
    found: list[Diagnostic],
    *,
    written: bool,
) -> str:
    if decompilation is None or not written:
        return f"{counts(found)}; nothing was written"
    where = "" if options.output == STANDARD_STREAM else f"{options.output}: "
    return f"{where}{counted(decompilation.settings, 'setting')}, {counts(found)}"
