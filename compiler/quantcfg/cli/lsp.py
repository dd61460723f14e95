"""quantcfg lsp: the language server for editors."""

from __future__ import annotations

import argparse

from quantcfg.cli.console import print_remark

_EPILOG = """\
An editor starts it and speaks the Language Server Protocol with it over standard input and output;
docs/editors.md says how. It needs pygls, which pip install 'quantcfg[lsp]' brings.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add to the parser of the command what it says of itself, and its arguments."""
    parser.description = "Run the language server for quant.cfg files, prototxt and configurations."
    parser.epilog = _EPILOG
    parser.add_argument("--stdio", action="store_true", help="as it always does; editors like to say it")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Serve until the client says that it is enough."""
    try:
        from quantcfg.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        print_remark("the language server needs pygls: pip install 'quantcfg[lsp]'")
        return 1
    serve()
    return 0
