"""quantcfg compile: write the configuration for a request."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import (
    STANDARD_STREAM,
    add_model_arguments,
    add_output_argument,
    add_report_arguments,
    add_request_arguments,
)
from quantcfg.cli.console import counts, print_report, print_result, print_stderr, reported
from quantcfg.cli.streams import compiled, named_files
from quantcfg.diagnostics import Diagnostic, Severity, catalogue, has_errors
from quantcfg.diagnostics.phrases import alternatives, counted
from quantcfg.files import is_special

if TYPE_CHECKING:
    from quantcfg.api import Compilation
    from quantcfg.emit import Config
    from quantcfg.plan import After, Plan

_ORIGINS = ".origins.txt"
_MOST_SHOWN = 5
_EACH = "all"

EPILOG = """\
examples:
  quantcfg compile --model MODEL --weights WEIGHTS --config quant.cfg -o config.json
  quantcfg compile --model MODEL --skip-layer conv1 fc8 --batch-num 2 -o config.json
  quantcfg compile --model MODEL | less
  cat common.cfg layers.cfg | quantcfg compile --model MODEL --config - -o config.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Write the JSON configuration that AMCT reads, from a quant.cfg or from plain options."
    )
    add_model_arguments(parser)
    add_request_arguments(parser)
    add_output_argument(parser)
    parser.add_argument(
        "--annotate",
        action="store_true",
        help=f"also write FILE{_ORIGINS}: a table of where each value comes from",
    )
    parser.add_argument(
        "--print-after",
        metavar="PASS",
        help="print the plan after a pass of the compiler to standard error; all: after each pass",
    )
    add_report_arguments(parser)


def run(options: argparse.Namespace) -> int:
    """Compile the request, write the configuration, and report the diagnostics and a summary."""
    if options.annotate and not _is_file_name(options.output):
        options.parser.error("--annotate requires -o and the name of a regular file")

    compilation, files = compiled(options, after=_printer(options))
    found = reported(options, compilation.diagnostics)
    written = not has_errors(found) and _write(options, compilation, files, found)
    summary = (
        _summary(compilation, found, options.output) if written else f"{counts(found)}; nothing was written"
    )
    print_report(options, found, summary)
    return 0 if written else 1


def _printer(options: argparse.Namespace) -> After:
    """Return a function that prints the plan after the pass of --print-after."""
    chosen = options.print_after
    if chosen is None:
        return lambda _name, _plan: None

    from quantcfg.diagnostics.terminal import printable
    from quantcfg.plan import PASSES

    if chosen not in (*PASSES, _EACH):
        options.parser.error(f"--print-after must be {alternatives([*PASSES, _EACH])}")

    def print_plan(name: str, plan: Plan) -> None:
        if chosen in (name, _EACH):
            print_stderr("\n".join([f"after {name}:", *map(printable, str(plan).split("\n")), ""]))

    return print_plan


def _is_file_name(output: str) -> bool:
    """Return whether the output is a file that can have another one beside it."""
    return output != STANDARD_STREAM and not is_special(output)


def _write(
    options: argparse.Namespace,
    compilation: Compilation,
    files: Sequence[str | None],
    found: list[Diagnostic],
) -> bool:
    from quantcfg.api import write_config

    assert compilation.text is not None
    if options.output == STANDARD_STREAM:
        print_result(compilation.text, end="\n" if sys.stdout and sys.stdout.isatty() else "")
        return True
    inputs = named_files((*files, options.config))
    table = f"{options.output}{_ORIGINS}"
    if not options.annotate and os.path.exists(table):
        help = "use --annotate to update it, or delete it"
        found += reported(options, [catalogue.ORIGINS_LEFT.at(None, file=table, help=help)])
    beside = {table: _origins(compilation)} if options.annotate else {}
    return write_config(compilation, options.output, inputs, found.append, beside, options.guard)


def _origins(compilation: Compilation) -> str:
    from quantcfg.api import explain
    from quantcfg.provenance import text

    return text.table(explain(compilation))


def _summary(compilation: Compilation, found: list[Diagnostic], output: str) -> str:
    plan, config = compilation.plan, compilation.config
    assert plan
    assert config
    warnings = sum(diagnostic.severity is Severity.WARNING for diagnostic in found)
    quantized = sum(layer.enabled.value for layer in plan.layers)
    where = "" if output == STANDARD_STREAM else f"{output}: "
    parts = [
        f"{counted(quantized, 'layer')} quantized",
        f"{len(plan.layers) - quantized} skipped",
        *([counted(len(plan.tensors), "tensor")] if plan.tensors else []),
        *_not_quantizable(plan),
        f"{_fused(plan, config)} fused",
        counted(warnings, "warning"),
    ]
    return f"{where}{', '.join(parts)}"


def _not_quantizable(plan: Plan) -> Iterator[str]:
    """Yield the part of the summary about layers of a quantizable type that cannot be quantized, and why."""
    from quantcfg.plan.passes.skips import not_quantizable

    layers = not_quantizable(plan)
    if layers:
        shown = layers if len(layers) <= _MOST_SHOWN else layers[: _MOST_SHOWN - 1]
        named = [f"{layer.name or f'unnamed {layer.type}'} ({layer.title})" for layer in shown]
        more = [f"and {len(layers) - len(shown)} more"] if len(layers) > len(shown) else []
        yield f"{len(layers)} not quantizable: {', '.join([*named, *more])}"


def _fused(plan: Plan, config: Config) -> int:
    """Return how many layers have others fused into them."""
    from quantcfg.contracts.config_schema import folds

    is_folded = folds(config)
    return sum(bool(layer.layer.fusion) and is_folded(layer.layer.fusion) for layer in plan.layers)
