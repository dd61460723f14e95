"""The files of a command: what is read, standard input among them, and where the result is written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import STANDARD_STREAM, command_line_argument
from quantcfg.cli.console import print_file
from quantcfg.diagnostics import Diagnostic, Report, in_order

if TYPE_CHECKING:
    from quantcfg.api import Compilation
    from quantcfg.files import PathLike
    from quantcfg.network import Network
    from quantcfg.source import Source


def check_inputs(options: argparse.Namespace, files: Sequence[str] = ()) -> None:
    """End with a usage error if standard input is to be read twice, or as weights.

    files are the names beside --model and --config.
    """
    named = vars(options)
    if [*files, named.get("model"), named.get("config")].count(STANDARD_STREAM) > 1:
        options.parser.error("standard input can be read once only")
    if named.get("weights") == STANDARD_STREAM:
        options.parser.error("--weights must be a file, not standard input")


def read(options: argparse.Namespace, file: PathLike, report: Report, *, wanted: str) -> Source | None:
    """Return a file or standard input as a source, or None after reporting why it cannot be read."""
    from quantcfg.files import read_source, read_standard_input

    if file == STANDARD_STREAM:
        return read_standard_input(options.stdin_filename, report, wanted=wanted)
    return read_source(file, report, wanted=wanted)


def read_network(options: argparse.Namespace) -> tuple[Network | None, Sequence[Diagnostic]]:
    """Return the network that --model and --weights name, None if none or a bad one, and what is said of it.

    Weights without a model are wrong usage.
    """
    if options.model is None:
        if options.weights is not None:
            options.parser.error("--weights goes with --model")
        return None, ()

    from quantcfg.api import load_model

    found: list[Diagnostic] = []
    network = load_model(options.model, options.weights, found.append, read=partial(read, options))
    return network, in_order(found)


def compiled(options: argparse.Namespace) -> Compilation:
    """Compile the request of the arguments that add_model_arguments and add_request_arguments add."""
    plain = {
        "skip_layers": options.skip_layer,
        "batch_num": options.batch_num,
        "activation_offset": options.activation_offset,
    }
    given = {name: value for name, value in plain.items() if value is not None}
    if options.config is not None and given:
        options.parser.error("--config goes without --skip-layer, --batch-num and --no-activation-offset")
    check_inputs(options)

    from quantcfg.api import compile_files

    return compile_files(
        options.model,
        options.weights,
        options.config,
        **given,
        read=partial(read, options),
        spell=command_line_argument,
    )


def named_files(names: Iterable[str | None]) -> list[str]:
    """Return the names of files, without those that are not given and that of standard input."""
    return [name for name in names if name is not None and name != STANDARD_STREAM]


def write_output(
    options: argparse.Namespace, text: str, inputs: Iterable[str | None], report: Report
) -> bool:
    """Write a text where -o says, standard output or a file that is no input; tell whether it is there."""
    from quantcfg.output import bad_output_name, write_file

    if options.output == STANDARD_STREAM:
        print_file(text)
        return True
    bad = bad_output_name(options.output, named_files(inputs))
    if bad:
        report(bad)
        return False
    return write_file(options.output, text, report, options.guard)
