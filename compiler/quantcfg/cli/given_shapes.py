"""The option --input: shapes of inputs and blobs that the model does not give."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from math import prod
from typing import TYPE_CHECKING

from quantcfg import limits
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diagnostics.terminal import printable

if TYPE_CHECKING:
    from quantcfg.network import Network
    from quantcfg.network.network import Shape
    from quantcfg.network.operations import Operations

Given = tuple[str | None, tuple[int, ...]]
"""A name, None if it is omitted, and a shape."""


def add_input_argument(parser: argparse.ArgumentParser) -> None:
    """Add --input."""
    parser.add_argument(
        "--input",
        type=_given,
        action="append",
        default=[],
        metavar="[NAME=]N,C,H,W",
        help="shape of an input, or of another blob of unknown shape; the only input, or "
        "the only one of unknown shape, needs no name",
    )


def _given(text: str) -> Given:
    name, equals, sizes = text.rpartition("=")
    try:
        shape = tuple(map(int, sizes.split(",")))
    except ValueError:
        shape = ()
    if not shape or min(shape) < 1:
        raise argparse.ArgumentTypeError(f"{printable(text)} is not a shape, such as data=1,3,224,224")
    if len(shape) > limits.SHAPE_AXES or prod(shape) > limits.SHAPE_VALUES:
        most = f"{limits.SHAPE_AXES} axes and {limits.SHAPE_VALUES:,} values"
        raise argparse.ArgumentTypeError(f"{printable(text)} is too large: a shape has at most {most}")
    return name if equals else None, shape


def operations_of(options: argparse.Namespace, network: Network) -> Operations:
    """Return the operations of a network with the shapes of --input, which are named in the options then.

    Exits with a usage error for a shape that cannot be used.
    """
    read = network.edition.read_operations
    if None in (name for name, _ in options.input):
        blob = _unnamed_input(options, read(network, {}).inputs)
        options.input = [(blob if name is None else name, shape) for name, shape in options.input]
    operations = read(network, named_shapes(options))
    if operations.unused:
        unused = quoted(map(printable, operations.unused))
        options.parser.error(f"--input names {unused}: not an input or a blob of unknown shape")
    return operations


def _unnamed_input(options: argparse.Namespace, inputs: Mapping[str, Shape | None]) -> str:
    """Return the input that needs no name: the only one, or the only one of unknown shape."""
    unknown = [name for name, shape in inputs.items() if shape is None]
    names = unknown if unknown else [*inputs]
    if len(names) != 1:
        of_unknown_shape = " of unknown shape" if 0 < len(unknown) < len(inputs) else ""
        shown = quoted(map(printable, names)) if names else "none"
        options.parser.error(f"--input needs a name, as the inputs{of_unknown_shape} are {shown}")
    return names[0]


def named_shapes(options: argparse.Namespace) -> Mapping[str, Shape]:
    """Return the given shapes by name, after operations_of has named them."""
    given: dict[str, Shape] = {}
    for blob, shape in options.input:
        if given.get(blob, shape) != shape:
            options.parser.error(f'--input gives two shapes for "{printable(blob)}"')
        given[blob] = shape
    return given
