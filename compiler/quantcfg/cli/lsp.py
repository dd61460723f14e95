"""quantcfg lsp: the language server for editors."""

from __future__ import annotations

import argparse

from quantcfg.cli.console import print_stderr

EPILOG = """\
Editors start it and speak the Language Server Protocol with it over standard input and output:
see docs/editors.md. It requires pygls: pip install 'quantcfg[lsp]'.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Set the description of the command and add its arguments."""
    parser.description = "Run the language server for quant.cfg files, configurations and models."
    parser.add_argument(
        "--stdio", action="store_true", help="use standard input and output; this is always the case"
    )


def run(options: argparse.Namespace) -> int:  # noqa: ARG001
    """Serve until the client sends "exit"."""
    try:
        from quantcfg.lsp.server import serve
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] not in ("pygls", "lsprotocol"):
            raise
        print_stderr("the language server requires pygls: pip install 'quantcfg[lsp]'")
        return 1
    serve()
    return 0
