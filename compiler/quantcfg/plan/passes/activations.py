"""What layers support for their activations: an offset, and 16 bits (ONNX reference 4.3, 4.5, U9, U19)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from quantcfg.contracts.config_schema import ASYMMETRIC, NUM_BITS, Parameter
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Edit, Related, Report, catalogue, related
from quantcfg.diagnostics.phrases import boolean, listed
from quantcfg.network import ConfigSchema, Layer, LayerTypes
from quantcfg.plan.plan import DEFINED_HERE, LayerPlan, Plan, in_words
from quantcfg.plan.request import Algorithm
from quantcfg.plan.settings import Origin, OriginKind, Setting, activation_algorithm, default

_MAX_RELATED = 4


# --- what a layer supports


def depend_on_layer(types: LayerTypes) -> bool:
    """Return whether the activation values of an edition depend on the layer, not only on its calibration."""
    return types.has(Feature.ASYMMETRIC) or types.has(Feature.INT16)


def symmetric_reason(layer: Layer, types: LayerTypes) -> str | None:
    """Return why the activations of a layer are always symmetric, None if they need not be."""
    if not types.has(Feature.ASYMMETRIC) or not layer.quantizable:
        return None
    return types.reason(Feature.ASYMMETRIC, layer.type, layer.attributes)


def supports_int16(layer: Layer, types: LayerTypes) -> bool:
    """Return whether a layer supports 16 bits, or each number of bits that the edition has."""
    return not types.has(Feature.INT16) or types.obstacle(Feature.INT16, layer.type, layer.attributes) is None


@cache
def symmetric(layer_type: str) -> Setting[bool]:
    """Return the flag of a layer that is always symmetric."""
    return Setting(False, Origin(OriginKind.LAYER_TYPE, (f"always for this {layer_type}",)))


def bits_settings(
    algorithm: Algorithm | None, layer: Layer | None, plan: Plan
) -> Mapping[str, Sequence[Setting[int]]]:
    """Return the settings that can give the number of bits, in order of precedence, by their field.

    layer is None for a tensor. In an edition without such a field there are none.
    """
    edition = plan.network.edition
    if not edition.layer_types.has(Feature.INT16):
        return {}
    known = _bits(activation_algorithm(algorithm, edition.schema), edition.schema)
    if known is None:
        return {}
    (field,), unset = known.settings, default(known.default)
    given = algorithm.parameters.get(field) if algorithm else None
    if given is None:
        return {field: [unset]}
    if layer and given.value != unset.value and not supports_int16(layer, edition.layer_types):
        return {field: [_default_bits(layer.type, unset.value)]}
    return {field: [given, unset]}


def _bits(name: str, schema: ConfigSchema) -> Parameter | None:
    """Return the parameter for the number of bits of an algorithm."""
    return schema.parameters_by_key(name).get(NUM_BITS)


@cache
def _default_bits(layer_type: str, bits: int) -> Setting[int]:
    return Setting(bits, Origin(OriginKind.LAYER_TYPE, (f"default of {layer_type}",)))


# --- checks


def check_activations(plan: Plan, report: Report) -> None:
    """Report offsets and numbers of bits that layers do not support."""
    types = plan.network.edition.layer_types
    if types.has(Feature.ASYMMETRIC):
        _check_own_flags(plan, report)
        _check_type_flags(plan, report)
    if types.has(Feature.INT16):
        _check_bits(plan, report)


def _check_own_flags(plan: Plan, report: Report) -> None:
    """Report asymmetric: true in overrides of layers that are always symmetric."""
    types = plan.network.edition.layer_types
    for override in plan.request.layer_overrides:
        layer = plan.network.by_name.get(override.target.value)
        flag = flag_of(override.calibration.activation)
        reason = symmetric_reason(layer, types) if layer and flag and flag.value else None
        if layer and flag and reason:
            is_safe = flag.span and plan.request.is_whole
            report(
                catalogue.ALWAYS_SYMMETRIC.at(
                    flag.span,
                    layer=layer.name,
                    reason=reason,
                    related=related(layer.span, DEFINED_HERE),
                    help="set it to false",
                    fix=[Edit(flag.span, boolean(False))] if is_safe and flag.span else [],
                )
            )


def _check_type_flags(plan: Plan, report: Report) -> None:
    """Warn about asymmetric: true in type overrides where AMCT ignores it for some layers of the type."""
    types = plan.network.edition.layer_types
    overrides = {id(each.calibration) for each in plan.request.type_overrides}
    ignored: dict[tuple[int, str], list[LayerPlan]] = defaultdict(list)
    for layer in plan.layers:
        flag = flag_of(layer.calibration.activation) if layer.calibration else None
        if flag and flag.value and id(layer.calibration) in overrides:
            reason = symmetric_reason(layer.layer, types)
            if reason:
                ignored[id(layer.calibration), reason].append(layer)
    for (_, reason), group in ignored.items():
        calibration = group[0].calibration
        flag = flag_of(calibration.activation) if calibration else None
        assert flag
        report(catalogue.OFFSET_IGNORED.at(flag.span, layers=in_words(group), reason=reason))


def flag_of(algorithm: Algorithm | None) -> Setting[bool] | None:
    """Return the own asymmetric of an algorithm, None if it is not set."""
    return algorithm.parameters.get(ASYMMETRIC) if algorithm else None


def _check_bits(plan: Plan, report: Report) -> None:
    """Report numbers of bits other than the default: only some chips, types and layers support them."""
    schema, types = plan.network.edition.schema, plan.network.edition.layer_types
    refused: set[int] = set()
    for flag, what, place in _overridden_bits(plan):
        if id(flag) not in refused:
            refused.add(id(flag))
            report(
                catalogue.NO_INT16.at(flag.span, bits=flag.value, what=what, related=place, help="remove it")
            )
    lowered: dict[int, list[LayerPlan]] = defaultdict(list)
    given: dict[int, Setting[int]] = {}
    for layer in plan.layers:
        bits = other_bits(layer.calibration.activation if layer.calibration else None, schema)
        if bits and id(bits) not in refused:
            given[id(bits)] = bits
            if not supports_int16(layer.layer, types):
                lowered[id(bits)].append(layer)
    for tensor in plan.tensors:
        bits = other_bits(tensor.tensor.activation, schema)
        if bits:
            given[id(bits)] = bits
    if given:
        _report_chips(list(given.values()), report)
    for key, group in lowered.items():
        names = [*dict.fromkeys(each.layer.type for each in group)]
        report(
            catalogue.INT16_LOWERED.at(
                given[key].span,
                bits=given[key].value,
                layers=in_words(group),
                types=f"{listed(names)} {'does' if len(names) == 1 else 'do'}",
            )
        )


def _report_chips(flags: Sequence[Setting[int]], report: Report) -> None:
    """Warn once about all settings that no Atlas chip supports: a configuration has one in each layer."""
    first, *others = sorted(flags, key=lambda flag: flag.span.start if flag.span else -1)
    report(
        catalogue.INT16_CHIPS.at(
            first.span,
            bits=first.value,
            related=[place for flag in others[:_MAX_RELATED] for place in related(flag.span, "and here")],
            help="remove it, unless the model is for a Nano chip",
        )
    )


def _overridden_bits(plan: Plan) -> Iterator[tuple[Setting[int], str, Sequence[Related]]]:
    """Yield the settings in overrides of types and layers that do not support them."""
    schema, types = plan.network.edition.schema, plan.network.edition.layer_types
    for override in plan.request.type_overrides:
        name, flag = override.target.value, other_bits(override.calibration.activation, schema)
        if flag and name in types.quantizable and types.obstacle(Feature.INT16, name, {}):
            yield flag, f"{name} layers", ()
    for override in plan.request.layer_overrides:
        layer = plan.network.by_name.get(override.target.value)
        flag = other_bits(override.calibration.activation, schema)
        if flag and layer and not supports_int16(layer, types):
            yield flag, f'layer "{layer.name}" ({layer.type})', related(layer.span, DEFINED_HERE)


def other_bits(algorithm: Algorithm | None, schema: ConfigSchema) -> Setting[int] | None:
    """Return the number of bits of an algorithm, None if it is the default."""
    known = _bits(activation_algorithm(algorithm, schema), schema)
    given = algorithm.parameters.get(known.settings[0]) if algorithm and known else None
    return given if given and known and given.value != known.default else None
