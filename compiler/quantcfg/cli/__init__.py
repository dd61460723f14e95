"""The command quantcfg, with one module for each subcommand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module

import quantcfg
from quantcfg import TYPE_CHECKING
from quantcfg.cli.usage import Parser

if TYPE_CHECKING:
    from quantcfg.emit import Guard

_COMMANDS = {
    "compile": "compile a request into a JSON configuration",
    "check": "check quant.cfg files and configurations",
    "explain": "show where the values of a configuration come from",
    "fmt": "format quant.cfg files and models",
    "migrate": "rewrite deprecated fields of quant.cfg files",
    "decompile": "convert a configuration to a short quant.cfg",
    "diff": "compare two requests or configurations",
    "advise": "advise on the settings of a network from its weights",
    "layers": "list the layers of a network and whether they can be quantized",
    "name-nodes": "write an ONNX model with unique node names",
    "rule": "explain a diagnostic code",
    "schema": "print the JSON Schema of configurations",
    "lsp": "run the language server for editors",
}
"""The subcommands with their help. The module of a subcommand is imported only when it runs."""

_EPILOG = """\
examples:
  quantcfg compile --model MODEL --weights WEIGHTS --config quant.cfg -o config.json
  quantcfg compile --model net.onnx --config quant.cfg -o config.json
  quantcfg check quant.cfg --model MODEL
  quantcfg explain --model MODEL --config quant.cfg conv1
  quantcfg fmt quant.cfg
  quantcfg migrate quant.cfg
  quantcfg advise --model MODEL --weights WEIGHTS
  quantcfg layers --model MODEL
  quantcfg name-nodes model.onnx -o named.onnx
  quantcfg rule QC409
  quantcfg schema --model MODEL -o config.schema.json

exit status: 0 success, 1 errors in the input, 2 usage error
"""


Interruptible = Callable[[], AbstractContextManager[Callable[[], bool]]]
"""Returns a context in which ^C does not end the process; its function returns whether there was one."""


def main(
    arguments: Sequence[str] | None = None,
    guard: Guard = nullcontext,
    interruptible: Interruptible = lambda: nullcontext(lambda: False),
) -> int:
    """Run the command and return the exit status; arguments are by default those of the process.

    Files are replaced inside the context of guard. Work that can end early is done inside
    the context of interruptible.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    options, unknown = _parser(arguments).parse_known_args(arguments)
    if unknown:
        options.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    options.guard, options.interruptible = guard, interruptible

    from quantcfg.cli.console import OutputError, print_output_error

    try:
        status: int = options.run(options)
    except OutputError as error:
        print_output_error(error)
        return 1
    return status


def _parser(arguments: Sequence[str]) -> Parser:
    """Return the parser; only subcommands named in the arguments get arguments of their own."""
    parser = Parser(
        prog="quantcfg",
        description="Compile a quantization request for a network into the JSON that AMCT reads.",
        epilog=_EPILOG,
    )
    parser.add_argument("-V", "--version", action="version", version=f"quantcfg {quantcfg.__version__}")
    parser.commands = _COMMANDS
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    # If the first argument is a subcommand, the others are not needed.
    for name in [name for name in _COMMANDS if name in arguments[:1]] or _COMMANDS:
        command = commands.add_parser(name, help=_COMMANDS[name])
        if name in arguments:
            module = import_module(f"{__name__}.{name.replace('-', '_')}")
            command.epilog = module.EPILOG
            command.set_defaults(parser=command, run=module.run)
            module.add_arguments(command)
    return parser
