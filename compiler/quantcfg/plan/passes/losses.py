"""What an override takes away from its layers without saying so.

An override replaces what it beats as a whole (reference 4.2). A setting that is
lost that way is easily overlooked, so it is reported where it changes a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator

from quantcfg.contracts.config_schema import CHANNEL_WISE
from quantcfg.diagnostics import Diagnostic, catalogue, related
from quantcfg.network import ConfigSchema, Edition, Layer, LayerTypes
from quantcfg.plan.parameters import activation_algorithm, weight_algorithm
from quantcfg.plan.plan import LayerPlan
from quantcfg.plan.request import Algorithm


def losses(layers: Iterable[LayerPlan], edition: Edition) -> Iterator[Diagnostic]:
    """Yield what overrides lose of the settings that they beat, once for each override and what it beats."""
    seen = set()
    for layer in layers:
        if len(layer.levels) <= 1:
            continue
        chosen, lower = layer.levels[:2]
        pair = (id(chosen), id(lower))
        changes = [] if pair in seen else list(_changes(layer, edition))
        seen.add(pair)
        if changes:
            yield catalogue.OVERRIDE_DROPS.at(
                chosen.span,
                lower=lower.level,
                changes=", ".join(changes),
                related=related(lower.span, "this is replaced"),
                help="repeat in the override what it shall keep",
            )


def _changes(layer: LayerPlan, edition: Edition) -> Iterator[str]:
    chosen, lower = layer.levels[:2]
    schema, types = edition.schema, edition.layer_types
    is_channel_wise = types.channel_wise(layer.layer.type)
    yield from _lost(chosen.activation, lower.activation, activation_algorithm, schema, is_channel_wise)
    if _can_have(lower.weight, layer.layer, types):
        yield from _lost(chosen.weight, lower.weight, weight_algorithm, schema, is_channel_wise)


def _can_have(weight: Algorithm | None, layer: Layer, types: LayerTypes) -> bool:
    """Tell whether a layer could have a weight algorithm at all; what it cannot have is no loss."""
    is_non_uniform = weight is not None and weight.name == "nuq_quantize"
    return not is_non_uniform or types.obstacle("non_uniform", layer.type, layer.attributes) is None


def _lost(
    own: Algorithm | None,
    lower: Algorithm | None,
    name_of: Callable[[Algorithm | None, ConfigSchema], str],
    schema: ConfigSchema,
    is_channel_wise: bool,
) -> Iterator[str]:
    """Yield what changes because a lower level's algorithm is not used, unless another one is named."""
    if lower is None or (own and own.name != lower.name):
        return
    name, lost_name = name_of(own, schema), name_of(lower, schema)
    if name != lost_name:
        yield f"the algorithm is {name}, not {lost_name}"
        return
    for parameter in schema.parameters(name):
        defaults = parameter.defaults or _type_default(parameter.key, is_channel_wise)
        for name, default in zip(parameter.settings, defaults, strict=False):
            lost = lower.parameters.get(name)
            kept = own is not None and name in own.parameters
            if lost and not kept and lost.value != default:
                yield f"{name} is {json.dumps(default)}, not {json.dumps(lost.value)}"


def _type_default(key: str, is_channel_wise: bool) -> tuple[bool, ...]:
    """Return the default that depends on the layer's type, unless the type leaves no choice."""
    return (True,) if key == CHANNEL_WISE and is_channel_wise else ()
