"""The command: quantcfg, with one module for each subcommand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

import quantcfg
from quantcfg.cli import compile, layers
from quantcfg.cli.console import print_diagnostics, silence
from quantcfg.diagnostics import catalogue
from quantcfg.files import reason

_COMMANDS = (compile, layers)

_EPILOG = """\
examples:
  quantcfg compile --model deploy.prototxt --weights net.caffemodel --config quant.cfg -o config.json
  quantcfg layers --model deploy.prototxt

exit status: 0 done, 1 the input has errors, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments of the process, or others; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except OSError as error:
        # Whoever read the output has enough, or there is no room for it. The interpreter must not try again.
        if not isinstance(error, BrokenPipeError):
            print_diagnostics(
                [catalogue.UNWRITABLE_FILE.at(None, file="standard output", reason=reason(error))]
            )
        if sys.stdout is not None:
            silence(sys.stdout)
        return 1
    except KeyboardInterrupt:
        return 130
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quantcfg",
        description="Compile a quantization request for a Caffe network into the JSON that AMCT reads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"quantcfg {quantcfg.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
