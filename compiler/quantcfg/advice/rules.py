"""The rules by which settings are advised (reference, weights.md 5)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import log10

from quantcfg.advice.report import Item, Kind, LayerReport
from quantcfg.contracts.config_schema import (
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    CHANNEL_WISE,
    QUANT_ENABLE,
    WEIGHT_PARAMS,
)
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics.phrases import percentage
from quantcfg.network import Edition
from quantcfg.network.operations import NeverNegative, Operation

_GAIN = 4.0
"""From this predicted gain in dB, channel_wise was better in 95 % of 404 layers (4.3)."""

_SMALL_GAIN = 2.0
"""From this gain it was better in 90 % of 84 layers; below it, in 56 % of 25 (4.3)."""

_LARGE_GAIN = 14.0
_LOW_DB = 25.0
"""With a gain above the one, or a ratio below the other, one factor spoiled the output (5)."""

_CONVOLUTION_GAIN = 6.0
_DEPTHWISE = "the first depthwise layer had one of the three largest errors in 6 of 8 networks measured"
_LEAST_SHARE = 0.1
_LEAST_IMPROVEMENT = 0.5
_LAYERS_PER_EXCLUSION = 10


# --- layers to exclude


def exclusions(layers: Sequence[LayerReport], errors: Mapping[str, float]) -> Iterator[Item]:
    """Yield the layers to leave in floating point: those with the largest shares of the output error.

    errors are the normalized errors at the outputs, by layer.
    """
    by_name = {layer.name: layer for layer in layers}
    macs = sum(layer.cost.macs or 0 for layer in layers)
    whole = rest = sum(errors.values())
    ranking = sorted(errors, key=lambda name: -errors[name])
    # AMCT needs at least one layer that is quantized.
    most = min(max(1, len(errors) // _LAYERS_PER_EXCLUSION), len(errors) - 1)
    for name in ranking[:most]:
        share = errors[name] / whole if whole else 0.0
        if share < _LEAST_SHARE or _improvement(rest, errors[name]) < _LEAST_IMPROVEMENT:
            return
        rest -= errors[name]
        cost = percentage(by_name[name].cost.macs or 0, macs)
        reason = f"{percentage(errors[name], whole)} of the output error, for {cost} of the MACs"
        yield Item((name,), Kind.SIMULATED, reason, QUANT_ENABLE, value=False)


def _improvement(whole: float, part: float) -> float:
    return float("inf") if part >= whole else 10 * log10(whole / (whole - part))


def first_to_look_at(layers: Sequence[LayerReport], *, can_simulate: bool) -> Iterator[Item]:
    """Yield AMCT's rule of thumb for the layers that lose most, and what was measured (4.2)."""
    weighted = [layer for layer in layers if layer.settings and layer.operation.filters]
    depthwise = [layer for layer in weighted if _is_depthwise(layer.operation)]
    names = dict.fromkeys(layer.name for layer in (*weighted[:1], *weighted[-1:]))
    if names:
        better = "; --simulate ranks layers better" if can_simulate else ""
        yield Item(tuple(names), Kind.RULE, f"AMCT suggests looking at the first and last layers{better}")
    for layer in depthwise[:1]:
        yield Item((layer.name,), Kind.RULE, _DEPTHWISE)


def _is_depthwise(operation: Operation) -> bool:
    return operation.filters > 1 and operation.parameters.get("group") == operation.filters


# --- settings


def channel_wise(layers: Sequence[LayerReport], edition: Edition) -> Iterator[Item]:
    """Yield the layers for which a factor for each channel is better."""
    single = [layer for layer in layers if _has_one_factor(layer, edition) and _gain(layer) >= _SMALL_GAIN]
    urgent = [layer for layer in single if _is_urgent(layer)]
    rest = [layer for layer in single if not _is_urgent(layer)]
    clear = [layer for layer in rest if _gain(layer) >= _GAIN]
    small = [layer for layer in rest if _gain(layer) < _GAIN]
    for found, what in (
        (urgent, "one factor for all channels is far too coarse"),
        (clear, "a factor for each channel is better"),
        (small, "a factor for each channel is probably slightly better"),
    ):
        if found:
            yield _with_gains(found, Kind.PREDICTED, what, CHANNEL_WISE, value=True)


def _has_one_factor(layer: LayerReport, edition: Edition) -> bool:
    parameters = (layer.settings or {}).get(WEIGHT_PARAMS, {})
    can = edition.layer_types.channel_wise(layer.operation.layer.type)
    return can and parameters.get(CHANNEL_WISE) is False and layer.weights is not None


def _gain(layer: LayerReport) -> float:
    return (layer.weights.gain_db if layer.weights else None) or 0.0


def _tensor_db(layer: LayerReport) -> float:
    found = layer.weights.per_tensor_db if layer.weights else None
    return float("inf") if found is None else found


def _is_urgent(layer: LayerReport) -> bool:
    return _gain(layer) >= _LARGE_GAIN or _tensor_db(layer) < _LOW_DB


def _with_gains(
    layers: Sequence[LayerReport],
    kind: Kind,
    statement: str,
    field: str | None = None,
    *,
    value: bool | None = None,
) -> Item:
    return Item(_names(layers), kind, statement, field, value, tuple(map(_gain, layers)))


def _names(layers: Iterable[LayerReport]) -> tuple[str, ...]:
    return tuple(layer.name for layer in layers)


def offsets(layers: Sequence[LayerReport], edition: Edition) -> Iterator[Item]:
    """Yield the layers that lose a bit: inputs that are never negative, quantized without an offset."""
    positive = _with_positive_input([layer.operation for layer in layers])
    found = [layer for layer in layers if layer.name in positive and _lacks_offset(layer, edition)]
    if found:
        reason = "the input is never negative, so without an offset half of the codes are not used"
        yield Item(_names(found), Kind.EXACT, reason, ASYMMETRIC, value=True)


def _lacks_offset(layer: LayerReport, edition: Edition) -> bool:
    """Return whether the input is quantized without an offset, although it could have one."""
    parameters = (layer.settings or {}).get(ACTIVATION_PARAMS, {})
    types, own = edition.layer_types, layer.operation.layer
    can = not types.has(Feature.ASYMMETRIC) or not types.reason(Feature.ASYMMETRIC, own.type, own.attributes)
    return parameters.get(ASYMMETRIC) is False and can


def _with_positive_input(operations: Iterable[Operation]) -> set[str]:
    """Return the names of the layers whose fusion groups have an input that is never negative."""
    positive: set[str] = set()
    first, found = dict[str, bool](), set[str]()
    for operation in operations:
        layer = operation.layer
        signs = [blob in positive for blob in layer.bottoms]
        # The input of a group is that of its first layer.
        first[layer.name] = bool(signs and signs[0])
        start = layer.fusion[0] if layer.fusion and layer.fusion[0] in first else layer.name
        if first[start]:
            found.add(layer.name)
        positive.difference_update(layer.tops)
        if signs and _is_positive(operation, signs):
            positive.update(layer.tops)
    return found


def _is_positive(operation: Operation, signs: Sequence[bool]) -> bool:
    """Return whether the outputs are never negative; signs say so for each input."""
    when = operation.never_negative
    if when is NeverNegative.IF_ALL_INPUTS:
        return all(signs)
    if when is NeverNegative.IF_FIRST_INPUT:
        return signs[0]
    return when is NeverNegative.ALWAYS or (when is NeverNegative.IF_ANY_INPUT and any(signs))


def as_convolutions(layers: Sequence[LayerReport], edition: Edition) -> Iterator[Item]:
    """Yield the layers that would gain as a type that can be channel_wise, grouped by that type."""
    found: dict[str, list[LayerReport]] = {}
    for layer in layers:
        other = edition.layer_types.channel_wise_as(layer.operation.layer.type)
        if layer.settings and other and _gain(layer) >= _CONVOLUTION_GAIN:
            found.setdefault(other, []).append(layer)
    for other, gaining in found.items():
        statement = f"as a {other} with a kernel as large as the input, it can be channel_wise"
        yield _with_gains(gaining, Kind.RULE, statement)
