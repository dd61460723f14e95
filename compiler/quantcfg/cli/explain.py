"""quantcfg explain: where the values of a configuration come from."""

from __future__ import annotations

import argparse

from quantcfg.cli.arguments import add_model_arguments, add_request_arguments, command_line_argument
from quantcfg.cli.console import print_failure, print_result, print_stderr
from quantcfg.cli.streams import compiled
from quantcfg.diagnostics import Diagnostic, Severity
from quantcfg.diagnostics.phrases import counted

EPILOG = """\
examples:
  quantcfg explain --model MODEL --config quant.cfg conv1
  quantcfg explain --model MODEL --config quant.cfg conv1 search_step
  quantcfg explain --model MODEL --config quant.cfg batch_num
  quantcfg explain --model MODEL --config quant.cfg --format json
  quantcfg explain --model MODEL --config config.json conv1

"without it" shows the value if its source is removed from the request. "overridden" shows the values of
other levels, and the rule if there is one.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = (
        "Show where each value of a configuration comes from, with its location, and what it would be\n"
        "without that. Layers with the same values are shown once. Reads requests and JSON configurations."
    )
    parser.add_argument(
        "layer",
        nargs="?",
        metavar="LAYER",
        help="a layer, or a key of the whole network; before --skip-layer",
    )
    parser.add_argument("key", nargs="?", metavar="KEY", help="a key of the layer, such as search_step")
    add_model_arguments(parser)
    add_request_arguments(parser, "a quant.cfg, or a JSON configuration")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="default text")


def run(options: argparse.Namespace) -> int:
    """Compile the request, and show where the requested values come from."""
    compilation, _ = compiled(options, reads_configurations=True)

    from quantcfg.provenance import explained, json, text

    found: list[Diagnostic] = []
    provenance = None
    if compilation.ok and compilation.plan:
        provenance = explained(
            compilation.plan, options.layer, options.key, found.append, command_line_argument
        )
    if provenance is None:
        return print_failure(found or compilation.diagnostics)
    print_result(json.render(provenance) if options.format == "json" else text.render(provenance))
    number = sum(each.severity is Severity.WARNING for each in compilation.diagnostics)
    if number:
        them = "it" if number == 1 else "them"
        command = "compile" if options.config is None else "check"
        print_stderr(f'{counted(number, "warning")}; "quantcfg {command}" shows {them}')
    return 0
