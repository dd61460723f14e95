"""The command: quantcfg, with one module for each subcommand."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

import quantcfg
from quantcfg.cli import compile, layers

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
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output has enough; the interpreter must not try to flush the rest.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
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
