"""The operations of a network: what its layers compute, on which shapes, at which cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, auto
from typing import Any

from quantcfg.frozen import frozen_value, small_value
from quantcfg.network.network import Layer, Shape


@small_value
class Unknown:
    """Why a shape is unknown, and what helps, if anything does."""

    reason: str
    help: str | None = None


class UnknownShapeError(Exception):
    """The shapes of a layer cannot be inferred."""

    def __init__(self, reason: str, help: str | None = None) -> None:
        self.unknown = Unknown(reason, help)


class NeverNegative(Enum):
    """When no value of the outputs of a layer is negative."""

    ALWAYS = auto()
    IF_ALL_INPUTS = auto()
    """If no input has negative values."""

    IF_ANY_INPUT = auto()
    """If at least one input has none."""

    IF_FIRST_INPUT = auto()
    """If the first input has none; others do not matter."""

    UNKNOWN = auto()


class Compared(Enum):
    """Which values of a layer are compared if it is at the end of a network."""

    OUTPUTS = "outputs"
    INPUTS = "inputs"
    FIRST_INPUT = "first_input"
    """The others are labels."""


@small_value
class Operation:
    """What a layer computes.

    parameters: the values of its parameters, with defaults filled in and sizes written
        out for each axis.
    inputs, outputs: the shapes of its bottoms and tops, None where unknown.
    blobs: the shapes of its weights, None if the model does not determine them.
    filters: the number of output channels of a convolution or inner product, else 0.
    macs: the multiply-accumulates for its inputs, None if unknown; only convolutions and
        inner products have any.
    unknown: why an output is unknown, None if all are known.
    shared: the indices of blobs that are shared with an earlier layer.
    value_size: the bytes per stored weight in the model.
    operands: the names of all its inputs, also of constants; "" for one that is omitted.
        Empty if the model has no names for weights.
    never_negative: when its outputs are never negative.
    compared: what is compared if it is at the end of the network.
    reads_shapes: whether its outputs depend on the shapes of its inputs only.
    is_constant: whether its outputs depend on its weights and parameters only; it has no inputs.
    without_given: why an output would be unknown without a given shape, None otherwise.
    """

    layer: Layer
    parameters: Mapping[str, Any]
    inputs: tuple[Shape | None, ...]
    outputs: tuple[Shape | None, ...]
    blobs: tuple[Shape, ...] | None
    filters: int
    macs: int | None
    unknown: Unknown | None
    shared: frozenset[int] = frozenset()
    value_size: int = 4
    never_negative: NeverNegative = NeverNegative.UNKNOWN
    compared: Compared = Compared.OUTPUTS
    reads_shapes: bool = False
    operands: tuple[str, ...] = ()
    is_constant: bool = False
    without_given: Unknown | None = None


@frozen_value
class Operations:
    """The operations of the layers of a network, in network order.

    inputs: the shapes of the blobs that come from outside, None where unknown.
    unused: the names of given shapes that no blob needed.
    """

    all: tuple[Operation, ...]
    inputs: Mapping[str, Shape | None]
    unused: tuple[str, ...]


@small_value
class StoredArray:
    """The location of an array in a file: its shape, type ("<f4"), and the bytes of its values.

    An array may be stored in several pieces. dtype is as numpy calls it, or "bfloat16".
    is_varint: whether each value is a varint of its bits.
    gap: the bytes between two values.
    file: the file with the values, None if it is the weights file.
    problem: why the values cannot be used, None if they can.
    """

    shape: Shape
    dtype: str
    spans: Sequence[tuple[int, int]]
    is_varint: bool = False
    file: str | None = None
    problem: str | None = None
    gap: int = 0


StoredWeights = Mapping[str, tuple[StoredArray, ...]]
"""The arrays in a file: those of each layer by its name, or one by its own name if it has one."""
