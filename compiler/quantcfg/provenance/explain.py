"""Plan to provenance: of all values, of a layer, or of one key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any

from quantcfg.diagnostics import Diagnostic, Report, catalogue
from quantcfg.diagnostics.phrases import quoted
from quantcfg.diagnostics.suggestions import suggest
from quantcfg.network import ConfigSchema, Layer
from quantcfg.network.config_schema import ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM
from quantcfg.plan import LayerPlan, Leaf, Plan, Setting, Values
from quantcfg.provenance.explanation import Explanation, LayerExplanation, Path, Provenance
from quantcfg.provenance.levels import activation_levels, beaten, weight_levels
from quantcfg.provenance.reasons import reason
from quantcfg.source import Span, Spell, python_argument

_LONGEST_CHAIN = 20
"""Where a chain is cut: a setting that is given again so often is no request that somebody wrote."""


def explained(
    plan: Plan, layer: str | None, key: str | None, report: Report, spell: Spell = python_argument
) -> Provenance | None:
    """Return the provenance of all values, of a layer, or of one key; None after reporting a wrong name.

    layer may also be a key of the whole network. spell returns how a name is written.
    """
    network, unfused = tuple(_network(plan)), _unfused(plan)
    if layer is None:
        return Provenance(network, tuple(_layer(each, plan, unfused) for each in plan.layers))
    if layer in plan.values and key is None:
        return Provenance(tuple(each for each in network if each.key == layer))
    found = _layer_named(layer, plan, unfused)
    if found is None:
        report(_unknown_layer(layer, plan, key, spell("layer", layer).span))
        return None
    values = tuple(each for each in found.values if key is None or key in (*each.path, each.name))
    if key is not None and not values:
        report(_unknown_key(key, found, plan.network.edition.schema, spell("key", key).span))
        return None
    return Provenance((), (replace(found, values=values),))


def _layer_named(name: str, plan: Plan, unfused: _Unfused) -> LayerExplanation | None:
    layer = plan.network.by_name.get(name)
    if layer is None:
        return None
    if not layer.quantizable:
        return LayerExplanation(layer, fusion=_fusion(layer, plan, unfused))
    return next(_layer(each, plan, unfused) for each in plan.layers if each.layer is layer)


def _unknown_layer(name: str, plan: Plan, key: str | None, span: Span) -> Diagnostic:
    schema = plan.network.edition.schema
    home = "the whole network, and stands alone" if name in plan.values else schema.home_of(name)
    near = suggest(name, [*plan.network.by_name, *(plan.values if key is None else ())]).help
    help = f'"{name}" is a key of {home}' if home else near
    return catalogue.UNKNOWN_LAYER.at(span, name=name, help=help)


def _unknown_key(key: str, layer: LayerExplanation, schema: ConfigSchema, span: Span) -> Diagnostic:
    known = dict.fromkeys(each.key for each in layer.values)
    if layer.layer.obstacle:
        name, reason = layer.layer.name, layer.layer.obstacle
        return catalogue.UNQUANTIZABLE_LAYER.at(span, layer=name, reason=reason, help="it has no values")
    for selector in (ACTIVATION_ALGORITHM, WEIGHT_ALGORITHM):
        other = schema.algorithm_of(key, selector)
        name = next(each.value for each in layer.values if each.key == selector)
        if other:
            return catalogue.OTHER_ALGORITHM.at(span, key=key, other=other, selector=selector, name=name)
    help = suggest(key, known).help or f"its keys are {quoted(known)}"
    return catalogue.UNKNOWN_KEY.at(span, key=key, where=f'layer "{layer.layer.name}"', help=help)


def _network(plan: Plan) -> Iterator[Explanation]:
    for key, leaf in plan.values.items():
        for path, setting in _settings((key,), leaf):
            yield Explanation(path, _chain(setting))


def _settings(path: Path, leaf: Leaf) -> Iterator[tuple[Path, Setting[object]]]:
    """Yield the settings of a leaf, and where each of them stands."""
    if isinstance(leaf, Setting):
        yield path, leaf
    else:
        yield from (((*path, index), setting) for index, setting in enumerate(leaf))


def _chain(setting: Setting[Any]) -> tuple[Setting[Any], ...]:
    return tuple(islice(setting.chain(), _LONGEST_CHAIN))


def _layer(layer: LayerPlan, plan: Plan, unfused: _Unfused) -> LayerExplanation:
    return LayerExplanation(
        layer.layer,
        tuple(_layer_values(layer, plan)),
        layer.calibration,
        layer.beaten,
        _fusion(layer.layer, plan, unfused),
    )


def _layer_values(layer: LayerPlan, plan: Plan) -> Iterator[Explanation]:
    yield Explanation(("quant_enable",), _chain(layer.enabled))
    sections = (
        ("activation_quant_params", layer.activation_values, activation_levels(layer, plan)),
        ("weight_quant_params", layer.weight_values, weight_levels(layer)),
    )
    for section, values, levels in sections:
        name, known = _algorithm(values), tuple(levels)
        for parameter in plan.network.edition.schema.parameters(name):
            settings = _settings((section, parameter.key), values[parameter.key])
            for field, (path, setting) in zip(parameter.settings, settings, strict=True):
                chain = _chain(setting)
                lost = tuple(beaten(field, name, chain, known))
                yield Explanation(path, chain, lost, reason(parameter.key, chain[0].origin, layer, plan))


def _algorithm(values: Values) -> str:
    """Return the name of the algorithm whose values these are."""
    leaf = values.get(ACTIVATION_ALGORITHM) or values[WEIGHT_ALGORITHM]
    assert isinstance(leaf, Setting)
    return str(leaf.value)


_Unfused = Callable[[str], str | None]
"""Tells why nothing is folded into a layer, None if something may be."""


def _unfused(plan: Plan) -> _Unfused:
    do_fusion, skipped = plan.values["do_fusion"], plan.values["skip_fusion_layers"]
    names = {setting.value for setting in skipped} if isinstance(skipped, tuple) else set()
    if isinstance(do_fusion, Setting) and not do_fusion.value:
        return lambda _: "do_fusion is false"
    return lambda name: "skip_fusion_layers names it" if name in names else None


def _fusion(layer: Layer, plan: Plan, unfused: _Unfused) -> str | None:
    """Return in words which layers become one with a layer, or why they do not (reference 4.6)."""
    if not layer.fusion:
        return f"none: {layer.fusion_obstacle}" if layer.fusion_obstacle else None
    target = next(name for name in layer.fusion if plan.network.by_name[name].quantizable)
    folded = [name for name in layer.fusion if name != target]
    obstacle = unfused(target)
    if obstacle:
        return f'{quoted(folded)} would be folded into "{target}", but {obstacle}'
    return f'{quoted(folded)} {"is" if len(folded) == 1 else "are"} folded into "{target}"'
