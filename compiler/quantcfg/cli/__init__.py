"""The command: quantcfg, with one module for each subcommand."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import nullcontext
from importlib import import_module

import quantcfg
from quantcfg import TYPE_CHECKING
from quantcfg.cli.usage import Parser

if TYPE_CHECKING:
    from quantcfg.emit import Guard

_COMMANDS = {
    "compile": "write the configuration of a network",
    "check": "find all mistakes in quant.cfg files and configurations",
    "explain": "show where the values of a configuration come from",
    "fmt": "lay out quant.cfg files and prototxt",
    "migrate": "rewrite deprecated fields of quant.cfg files",
    "decompile": "turn a configuration into a short quant.cfg",
    "diff": "show what changes from one request or configuration to another",
    "layers": "show the layers of a network, and which can be quantized",
    "rule": "explain a code",
    "schema": "print the JSON Schema of configurations, for editors and validators",
    "lsp": "run the language server, for editors",
}
"""The subcommands, and what they do. The module of one is imported only where it is run."""

_EPILOG = """\
examples:
  quantcfg compile --model deploy.prototxt --weights net.caffemodel --config quant.cfg -o config.json
  quantcfg check quant.cfg --model deploy.prototxt
  quantcfg explain --model deploy.prototxt --config quant.cfg conv1
  quantcfg fmt quant.cfg
  quantcfg migrate quant.cfg
  quantcfg layers --model deploy.prototxt
  quantcfg rule QC409
  quantcfg schema --model deploy.prototxt -o config.schema.json

exit status: 0 done, 1 the input has errors, 2 wrong usage
"""


def main(arguments: Sequence[str] | None = None, guard: Guard = nullcontext) -> int:
    """Run the command with the arguments of the process, or others; return the exit status.

    guard is the context in which files are replaced.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options, unknown = _parser(arguments).parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    options.guard = guard

    from quantcfg.cli.console import OutputError, print_output_error

    try:
        status: int = options.run(options)
    except OutputError as error:
        print_output_error(error)
        return 1
    return status


def _parser(arguments: Sequence[str]) -> Parser:
    """Return the parser of the command, in which only the subcommands that are named have their arguments."""
    parser = Parser(
        prog="quantcfg",
        description="Compile a quantization request for a Caffe network into the JSON that AMCT reads.",
        epilog=_EPILOG,
    )
    parser.add_argument("-V", "--version", action="version", version=f"quantcfg {quantcfg.__version__}")
    parser.commands = _COMMANDS
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    # Where a subcommand comes first, nobody asks for the others.
    for name in [name for name in _COMMANDS if name in arguments[:1]] or _COMMANDS:
        command = commands.add_parser(name, help=_COMMANDS[name])
        command.set_defaults(parser=command)
        if name in arguments:
            import_module(f"{__name__}.{name}").add_arguments(command)
    return parser
