"""Explain the values of a plan: all of them, those of a layer, or of one key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_ALGORITHM,
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    BALANCER,
    INPUT_INDEX,
    LAYER_NAME,
    QUANT_ENABLE,
    SKIP_FUSION,
    TENSORS,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
)
from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.frozen import frozen_value, replace
from quantcfg.network import ConfigSchema, Edition, Layer
from quantcfg.plan import LayerPlan, OriginKind, Plan, Setting, TensorPlan, Values
from quantcfg.plan.passes.balancer import reason_without
from quantcfg.plan.passes.defaults import Settings, activation_settings, tensor_settings, weight_settings
from quantcfg.plan.passes.names import LIST_LAYERS, ambiguous_name
from quantcfg.plan.passes.skips import skips
from quantcfg.plan.settings import default
from quantcfg.provenance.explanation import Explanation, LayerExplanation, Path, Provenance
from quantcfg.provenance.levels import (
    activation_levels,
    overridden,
    overridden_balancers,
    reason,
    weight_levels,
)
from quantcfg.source import Span, Spell, python_argument

_NOT_SET = default(None, "not set")
"""The value of a key that the configuration omits, because nothing sets it."""

_LONGEST_CHAIN = 20
"""The limit of a chain, in case a generated file sets a field very often."""


def explained(
    plan: Plan, layer: str | None, key: str | None, report: Report, spell: Spell = python_argument
) -> Provenance | None:
    """Return the provenance of all values, of a layer, or of one key; None after reporting an unknown name.

    layer may also be a key of the whole network. spell returns a name as it is written.
    """
    network, lowering = tuple(_network(plan)), _Lowering(plan, skips(plan.request), _unfused(plan))
    if layer is None:
        return Provenance(network, tuple(_layer(each, lowering) for each in plan.layers))
    found = _layer_named(layer, lowering)
    if key is None and (values := _of_network(layer, network, plan.network.edition.schema, found)):
        return Provenance(values)
    if found is None:
        span, same = spell("layer", layer).span, plan.network.repeated.get(layer)
        report(ambiguous_name(layer, span, same) if same else _unknown_layer(layer, plan, key, span))
        return None
    values = tuple(each for each in found.values if key is None or key in (*each.path, each.name, each.field))
    values = values or tuple(_unset_of_layer(key, found, plan.network.edition))
    if key is not None and not values:
        report(_unknown_key(key, found, plan.network.edition.schema, spell("key", key).span))
        return None
    return Provenance((), (replace(found, values=values),))


def _of_network(
    key: str, network: tuple[Explanation, ...], schema: ConfigSchema, layer: LayerExplanation | None
) -> tuple[Explanation, ...]:
    """Return the values of the whole network that a key names, unless it is the name of a layer."""
    if values := tuple(each for each in network if each.path[0] == key):
        return values
    if layer is not None:
        return ()
    if key in schema.global_keys:
        defaults = schema.global_defaults
        return (Explanation((key,), (default(defaults[key]) if key in defaults else _NOT_SET,)),)
    return tuple(each for each in network if each.owner and each.key == key)


def _unset_of_layer(key: str | None, layer: LayerExplanation, edition: Edition) -> Iterator[Explanation]:
    """Yield the explanation of the balance step of a quantizable layer without one."""
    is_known = key == BALANCER and key in edition.schema.layer_keys
    if is_known and layer.layer.quantizable and layer.values:
        reason = reason_without(layer.layer, edition.layer_types)
        yield Explanation((BALANCER,), (_NOT_SET,), reason=reason)


@frozen_value
class _Lowering:
    """A plan, with functions for the settings of quant_enable and for why nothing is folded into a layer."""

    plan: Plan
    enabled: Callable[[Layer], Iterator[Setting[bool]]]
    unfused: _Unfused


def _layer_named(name: str, lowering: _Lowering) -> LayerExplanation | None:
    layer = lowering.plan.network.by_name.get(name)
    if layer is None:
        return None
    if not layer.quantizable:
        return LayerExplanation(layer, _tensors_of(layer, lowering.plan), fusion=_fusion(layer, lowering))
    planned = (_layer(each, lowering) for each in lowering.plan.layers if each.layer is layer)
    return next(planned, LayerExplanation(layer, fusion=_fusion(layer, lowering)))


def _tensors_of(layer: Layer, plan: Plan) -> tuple[Explanation, ...]:
    tensors = enumerate(plan.tensors)
    return tuple(
        each for index, tensor in tensors if tensor.layer is layer for each in _tensor(index, tensor, plan)
    )


def _unknown_layer(name: str, plan: Plan, key: str | None, span: Span) -> Diagnostic:
    schema = plan.network.edition.schema
    home = schema.home_of(name)
    of_network = schema.global_keys
    known = [*plan.network.by_name, *(of_network if key is None else ())]
    help = suggest(name, known).help or LIST_LAYERS
    if name in of_network:
        help = f'"{name}" is a key of the whole network: remove "{key}"'
    elif home and plan.layers and key is None:
        having = (each for each in plan.layers if name in {**each.activation_values, **each.weight_values})
        layer = next(having, plan.layers[0])
        help = f"name its layer first, such as: {layer.layer.name} {name}"
    elif home:
        help = f'"{name}" is a key of {home}'
    return catalogue.UNKNOWN_LAYER.at(span, name=name, help=help)


def _unknown_key(key: str, layer: LayerExplanation, schema: ConfigSchema, span: Span) -> Diagnostic:
    known: dict[str, Any] = {each.key: each.value for each in layer.values}
    if layer.layer.obstacle and not known:
        name, reason = layer.layer.name, layer.layer.obstacle
        return catalogue.UNQUANTIZABLE_LAYER.at(
            span, layer=name, reason=reason, help="remove the key: the layer has no values"
        )
    where = f'layer "{layer.layer.name}"'
    if not known:
        help = "remove the key: the configuration omits the layer, so it is not quantized"
        return catalogue.UNKNOWN_KEY.at(span, key=key, where=where, help=help)
    for selector in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        other = schema.algorithm_of(key, selector)
        if other and (chosen := known.get(selector)):
            return catalogue.OTHER_ALGORITHM.at(span, key=key, other=other, selector=selector, name=chosen)
    help = suggest(key, known).help or f"its keys are {quoted(known)}"
    return catalogue.UNKNOWN_KEY.at(span, key=key, where=where, help=help)


def _network(plan: Plan) -> Iterator[Explanation]:
    defaults = plan.network.edition.schema.global_defaults
    for key, leaf in plan.values.items():
        if isinstance(leaf, Setting):
            unset = [default(defaults[key])] if key in defaults else []
            yield Explanation((key,), _chain((leaf, *unset)))
        else:
            yield from (Explanation((key, index), (setting,)) for index, setting in enumerate(leaf))
    for index, tensor in enumerate(plan.tensors):
        yield from _tensor(index, tensor, plan)


def _tensor(index: int, tensor: TensorPlan, plan: Plan) -> Iterator[Explanation]:
    path, owner = (TENSORS, index), f"{TENSORS}[{index}]"
    target: dict[str, Setting[Any]] = {LAYER_NAME: tensor.tensor.layer, INPUT_INDEX: tensor.tensor.index}
    for key in target:
        yield Explanation((*path, key), _chain([target[key]]), owner=owner)
    values, chosen = tensor.activation_values, tensor_settings(tensor.tensor, plan)
    for key, inner, field, chain in _parameters((*path, ACTIVATION_PARAMS), values, chosen, plan):
        why = _of_tensor_flag(tensor) if key == ASYMMETRIC else None
        yield Explanation(inner, chain, (), why, field, owner)


def _of_tensor_flag(tensor: TensorPlan) -> str | None:
    """Return why asymmetric does not come from the tensor itself (ONNX reference 4.1)."""
    own = tensor.tensor.activation
    return None if own and ASYMMETRIC in own.parameters else "not set for the tensor"


def _chain(settings: Iterable[Setting[Any]]) -> tuple[Setting[Any], ...]:
    """Return the settings of a value in order of precedence."""
    return tuple(islice(_settings(settings), _LONGEST_CHAIN))


def _settings(settings: Iterable[Setting[Any]]) -> Iterator[Setting[Any]]:
    """Yield all settings of a chain, with the earlier values of their fields, up to the first default."""
    for setting in settings:
        yield from setting.history()
        if setting.source.kind is not OriginKind.WRITTEN:
            break


def _layer(layer: LayerPlan, lowering: _Lowering) -> LayerExplanation:
    return LayerExplanation(
        layer.layer,
        tuple(_layer_values(layer, lowering)),
        layer.calibration,
        layer.levels[1:],
        _fusion(layer.layer, lowering),
    )


def _layer_values(layer: LayerPlan, lowering: _Lowering) -> Iterator[Explanation]:
    plan = lowering.plan
    yield Explanation((QUANT_ENABLE,), _chain(_enabled(layer, lowering)))
    if layer.balancer and layer.calibration:
        chain = _chain(layer.calibration.balancers)
        yield Explanation((BALANCER,), chain, tuple(overridden_balancers(layer)))
    sections = (
        (ACTIVATION_PARAMS, layer.activation_values, activation_settings, activation_levels),
        (WEIGHT_PARAMS, layer.weight_values, weight_settings, weight_levels),
    )
    both = layer.activation_values.keys() & layer.weight_values.keys()
    for section, values, settings_of, levels_of in sections:
        name, levels = _algorithm(values), tuple(levels_of(layer, plan))
        for key, path, field, chain in _parameters((section,), values, settings_of(layer, plan), plan):
            others = tuple(overridden(field, name, chain, levels)) if levels else ()
            why = reason(key, chain[0].origin, layer, plan)
            yield Explanation(path, chain, others, why, field, section if key in both else "")


_Parameter = tuple[str, Path, str, tuple[Setting[Any], ...]]
"""The key of a value, its path, the field of quant.cfg, and the settings in order of precedence."""


def _parameters(section: Path, values: Values, chosen: Settings, plan: Plan) -> Iterator[_Parameter]:
    """Yield where the values of an algorithm come from, without the other levels; chosen are by field."""
    for parameter in plan.network.edition.schema.parameters(_algorithm(values)):
        leaf, is_range = values[parameter.key], len(parameter.settings) > 1
        for index, field in enumerate(parameter.settings):
            setting = leaf if isinstance(leaf, Setting) else leaf[index]
            chain = _chain(
                chosen.get(field) or (setting, *map(default, parameter.defaults[index : index + 1]))
            )
            path = (*section, parameter.key, index) if is_range else (*section, parameter.key)
            yield parameter.key, path, field, chain


def _enabled(layer: LayerPlan, lowering: _Lowering) -> list[Setting[bool]]:
    """Return the settings of quant_enable: the skip lists, or the configuration itself."""
    listed = [*lowering.enabled(layer.layer)]
    return listed if layer.enabled.origin == listed[0].origin else [layer.enabled, *listed]


def _algorithm(values: Values) -> str:
    """Return the name of the algorithm that values belong to."""
    leaf = values.get(ACTIVATION_ALGORITHM) or values[WEIGHT_ALGORITHM]
    assert isinstance(leaf, Setting)
    return str(leaf.value)


_Unfused = Callable[[str], str | None]
"""Returns why nothing is folded into a layer, None if something may be."""


def _unfused(plan: Plan) -> _Unfused:
    do_fusion, skipped = plan.values["do_fusion"], plan.values[SKIP_FUSION]
    names = {setting.value for setting in skipped} if isinstance(skipped, tuple) else set()
    if isinstance(do_fusion, Setting) and not do_fusion.value:
        return lambda _: "do_fusion is false"
    return lambda name: "skip_fusion_layers names it" if name in names else None


def _fusion(layer: Layer, lowering: _Lowering) -> str | None:
    """Return in words which layers are folded into which, or why they are not (reference 4.6)."""
    target = lowering.plan.network.folded_into(layer)
    if target is None:
        return f"none: {layer.fusion_obstacle}" if layer.fusion_obstacle else None
    folded = [name for name in layer.fusion if name != target]
    reason = lowering.unfused(target)
    if reason:
        return f'{quoted(folded)} would be folded into "{target}", but {reason}'
    return f'{quoted(folded)} {"is" if len(folded) == 1 else "are"} folded into "{target}"'
