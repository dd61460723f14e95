"""The files of a command: what is read, standard input among them, and where the result is written."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from quantcfg.cli.arguments import STANDARD_STREAM
from quantcfg.cli.console import print_file
from quantcfg.diagnostics import Diagnostic, Report, in_order

if TYPE_CHECKING:
    from quantcfg.caffe import Network
    from quantcfg.source import Source

STANDARD_INPUT_NAME = "<stdin>"


def check_inputs(options: argparse.Namespace, files: Sequence[str]) -> None:
    """End with the status of wrong usage where standard input is named again among files."""
    if files.count(STANDARD_STREAM) > 1:
        options.parser.error("standard input can be read once only")


def read(options: argparse.Namespace, file: str, report: Report, *, wanted: str) -> Source | None:
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
    network = load_model(options.model, options.weights, found.append)
    return network, in_order(found)


def write_output(
    options: argparse.Namespace, text: str, inputs: Iterable[str | None], report: Report
) -> bool:
    """Write a text where -o says, standard output or a file that is no input; tell whether it is there."""
    from quantcfg.output import bad_output_name, write_file

    if options.output == STANDARD_STREAM:
        print_file(text)
        return True
    bad = bad_output_name(options.output, [name for name in inputs if name is not None])
    if bad:
        report(bad)
        return False
    return write_file(options.output, text, report)
