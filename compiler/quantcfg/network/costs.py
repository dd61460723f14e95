"""What the layers of a network cost: weights, multiply-accumulates and bytes (reference, weights.md 3.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from quantcfg.frozen import frozen_value, small_value
from quantcfg.network.network import Layer, Network, Shape
from quantcfg.network.operations import Operation, Operations, StoredWeights

_BIAS_BYTES = 4
_FACTOR_BYTES = 4


@small_value
class Cost:
    """The cost of a layer; None where unknown.

    Blobs that are shared with an earlier layer are not counted again.
    int8_bytes: its bytes after quantization: int8 weights, int32 biases and a float for
        each factor. A layer that is not quantized keeps its bytes in float, and one that
        is folded into another has none.
    """

    parameters: int | None
    macs: int | None
    float_bytes: int | None
    int8_bytes: int | None


@frozen_value
class Totals:
    """The sums over all layers with known costs, and over the quantizable ones."""

    parameters: int
    macs: int
    float_bytes: int
    int8_bytes: int
    quantizable_parameters: int
    quantizable_macs: int
    unknown: int


def costs_of(
    network: Network, operations: Operations, stored: StoredWeights | None = None
) -> tuple[Cost, ...]:
    """Return the cost of each layer if all quantizable layers are quantized with the default settings.

    stored are the arrays of a weights file, which count if the model does not determine
    the shapes of the weights.
    """
    return tuple(_cost(network, operation, stored or {}) for operation in operations.all)


def totals_of(layers: Sequence[Layer], costs: Sequence[Cost]) -> Totals:
    """Return the sums of costs."""
    quantizable = [cost for layer, cost in zip(layers, costs, strict=True) if layer.quantizable]
    return Totals(
        _sum(cost.parameters for cost in costs),
        _sum(cost.macs for cost in costs),
        _sum(cost.float_bytes for cost in costs),
        _sum(cost.int8_bytes for cost in costs),
        _sum(cost.parameters for cost in quantizable),
        _sum(cost.macs for cost in quantizable),
        sum(None in (cost.parameters, cost.macs) for cost in costs),
    )


def _sum(values: Iterable[int | None]) -> int:
    return sum(value or 0 for value in values)


def _cost(network: Network, operation: Operation, stored: StoredWeights) -> Cost:
    blobs = _blobs(operation, stored)
    if blobs is None:
        return Cost(None, operation.macs, None, None)
    counts = [0 if index in operation.shared else prod(blob) for index, blob in enumerate(blobs)]
    parameters = sum(counts)
    float_bytes = operation.value_size * parameters
    return Cost(parameters, operation.macs, float_bytes, _int8_bytes(network, operation, counts))


def _blobs(operation: Operation, stored: StoredWeights) -> Sequence[Shape] | None:
    arrays = stored.get(operation.layer.name)
    if operation.blobs is None and arrays is not None and not any(array.problem for array in arrays):
        return [array.shape for array in arrays]
    return operation.blobs


def _int8_bytes(network: Network, operation: Operation, counts: Sequence[int]) -> int:
    """Return the bytes of a layer after quantization; counts are the values of its blobs."""
    layer = operation.layer
    if layer.fusion and not layer.quantizable:
        return 0
    if not layer.quantizable or not counts:
        return operation.value_size * sum(counts)
    has_bias = len(counts) > 1 or bool(layer.fusion)
    factors = operation.filters if network.edition.layer_types.channel_wise(layer.type) else 1
    return counts[0] + _BIAS_BYTES * operation.filters * has_bias + _FACTOR_BYTES * factors
