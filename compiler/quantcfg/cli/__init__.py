"""The command: quantcfg, with one module for each subcommand."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence

import quantcfg
from quantcfg.cli import check, compile, decompile, diff, explain, fmt, layers, migrate, rule
from quantcfg.cli.console import OutputError, print_remark
from quantcfg.diagnostics import catalogue
from quantcfg.diagnostics.formats.text import render

_COMMANDS = (compile, check, explain, fmt, migrate, decompile, diff, layers, rule)

_BY_SIGNAL = 128
"""What is added to the number of a signal for the exit status of who ends by it."""

_EPILOG = """\
examples:
  quantcfg compile --model deploy.prototxt --weights net.caffemodel --config quant.cfg -o config.json
  quantcfg check quant.cfg --model deploy.prototxt
  quantcfg explain --model deploy.prototxt --config quant.cfg conv1
  quantcfg fmt quant.cfg
  quantcfg migrate quant.cfg
  quantcfg layers --model deploy.prototxt
  quantcfg rule QC409

exit status: 0 done, 1 the input has errors, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with the arguments of the process, or others; return the exit status."""
    signal.signal(signal.SIGTERM, _end)
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
    except OutputError as error:
        if error.reason:
            failure = catalogue.UNWRITABLE_FILE.at(None, file="standard output", reason=error.reason)
            print_remark(render(failure))
        return 1
    except KeyboardInterrupt:
        return _BY_SIGNAL + signal.SIGINT
    return status


def _end(number: int, frame: object) -> None:  # noqa: ARG001
    """End as an interruption does: what is half done is cleared away."""
    raise SystemExit(_BY_SIGNAL + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="quantcfg",
        description="Compile a quantization request for a Caffe network into the JSON that AMCT reads.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-V", "--version", action="version", version=f"quantcfg {quantcfg.__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add_parser(commands)
    return parser
