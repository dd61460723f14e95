"""quantcfg decompile: a configuration to the shortest quant.cfg that compiles to it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import (
    STANDARD_STREAM,
    add_model_arguments,
    add_output_argument,
    add_report_arguments,
)
from quantcfg.cli.console import counts, print_remarks, weighed
from quantcfg.cli.streams import Loaded, check_inputs, edition_of, read, read_model, write_output
from quantcfg.diagnostics import Diagnostic, has_errors
from quantcfg.diagnostics.phrases import counted

if TYPE_CHECKING:
    from quantcfg.decompiler import Decompilation
    from quantcfg.source import Source

_EPILOG = """\
examples:
  quantcfg decompile config.json --model deploy.prototxt
  quantcfg decompile config.json --model deploy.prototxt --weights net.caffemodel -o quant.cfg

exit status: 0 done, 1 the configuration has errors or no quant.cfg can say the same, 2 wrong usage
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = (
        "Write the shortest quant.cfg that compiles to a JSON configuration. What no quant.cfg "
        "can say is reported by layer and key, and nothing is written then."
    )
    parser.epilog = _EPILOG
    parser.add_argument("file", metavar="FILE", help='the configuration; "-" is standard input')
    add_model_arguments(parser)
    add_output_argument(parser)
    add_report_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Decompile, write, and say what was done."""
    check_inputs(options, (options.file,))
    wrong: list[Diagnostic] = []
    source = read(options, options.file, wrong.append, wanted="a JSON configuration")
    model = read_model(options, source, wrong)
    found = [*model.found, *wrong]
    decompilation = _decompiled(options, source, model, found) if source else None
    found = weighed(options, found)
    text = decompilation.text if decompilation and not has_errors(found) else None
    written = text is not None and write_output(options, text, (options.file, *model.files), found.append)
    print_remarks(options, found, _summary(options, decompilation, found, written=written))
    return 0 if written else 1


def _decompiled(
    options: argparse.Namespace, source: Source, model: Loaded, found: list[Diagnostic]
) -> Decompilation | None:
    """Decompile a configuration; without a network, find what is wrong with the configuration alone."""
    from quantcfg.compile import check_source
    from quantcfg.decompiler import decompile_source

    if model.network is None:
        found += check_source(source, None, edition_of(options, source))
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
