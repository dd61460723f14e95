"""Decompile a configuration: read it, choose a layout, print it, and compile the result to verify it."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from quantcfg.compile import compile_source, is_configuration
from quantcfg.configuration import places_in
from quantcfg.configuration.places import is_in_list, object_in_words
from quantcfg.contracts.config_schema import ACTIVATION_PARAMS, NUM_BITS, QUANT_ENABLE, TENSORS
from quantcfg.contracts.layer_types import Feature
from quantcfg.decompiler.quant_cfg import print_layout
from quantcfg.decompiler.shortest import Group, Groups, Layout, Need, shortest_layout
from quantcfg.decompiler.wanted import ALL, Abilities, Calibration, tensor_wanted_by, wanted_by
from quantcfg.diagnostics import Diagnostic, catalogue, has_errors, in_order
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.emit import Config, Configuration
from quantcfg.emit.emit import PlanPath, plan_leaves, value_of
from quantcfg.files import has_other_content
from quantcfg.frozen import frozen_value
from quantcfg.network import Edition, Layer, Network
from quantcfg.plan import Plan
from quantcfg.plan.passes.activations import depend_on_layer, supports_int16, symmetric_reason
from quantcfg.plan.passes.balancer import supports
from quantcfg.source import Source, Span, argument_span


@frozen_value
class Decompilation:
    """The result of a decompilation.

    text is the quant.cfg, None if there are errors; settings is the number of its
    settings. diagnostics are sorted by location.
    """

    text: str | None
    diagnostics: tuple[Diagnostic, ...]
    settings: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is a quant.cfg."""
        return self.text is not None


def decompile(config: str | Mapping[str, Any], network: Network, name: str = "config.json") -> Decompilation:
    """Return the shortest quant.cfg that compiles to a configuration. It raises nothing for bad input.

    The quant.cfg has neither deprecated fields nor nuq_config, whose mapping file is
    not known. Layers that the configuration omits are skipped. Each value that no
    quant.cfg can express is an error.

    Args:
        config: the text of a configuration, or its value.
        network: the result of read_model.
        name: the file name in diagnostics.

    """
    try:
        text = config if isinstance(config, str) else Configuration(dict(config)).text
    except (TypeError, ValueError, RecursionError):
        span, found = argument_span("config", config), type(config).__name__
        problem = catalogue.WRONG_ARGUMENT.at(
            span, argument="config", expected="a configuration", found=found
        )
        return Decompilation(None, (problem,))
    return decompile_source(Source(name, text), network)


def decompile_source(source: Source, network: Network) -> Decompilation:
    """Return the shortest quant.cfg for the text of a configuration."""
    if not is_configuration(source):
        other: list[Diagnostic] = []
        is_other = has_other_content(source, other.append, wanted="a JSON configuration")
        return Decompilation(None, tuple(other) if is_other else (_not_a_configuration(source),))
    compiled = compile_source(source, network, network.edition)
    if not compiled.ok:
        return Decompilation(None, compiled.diagnostics)
    config = compiled.configuration.config
    groups = _groups(config, network)
    schema = network.edition.schema
    tensors = config.get(TENSORS, []) if TENSORS in schema.global_keys else []
    wanted = [tensor_wanted_by(each[ACTIVATION_PARAMS], schema) for each in tensors]
    layout = shortest_layout(groups, config["activation_offset"], schema, wanted)
    settings = _settings(config, network)
    order = [layer.name for layer in network.quantizable]
    comments = dict(_comments(groups, layout))
    text = print_layout(network.edition.request, settings, layout, order, comments, tensors)
    again = compile_source(Source("quant.cfg", text), network, network.edition)
    found = [
        *compiled.diagnostics,
        *_omissions(source, compiled.plan),
        *_changes(source, compiled.plan, again.plan),
    ]
    number = _number(settings) + layout.settings
    return Decompilation(None if has_errors(found) else text, in_order(found), number)


def _not_a_configuration(source: Source) -> Diagnostic:
    return catalogue.ANOTHER_FORMAT.at(
        Span(source, 0, min(1, len(source.text))),
        what='text that does not start with "{"',
        wanted="a JSON configuration",
        help='run "quantcfg compile" to make a configuration from a quant.cfg',
    )


def _number(settings: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in settings.values())


def _groups(config: Config, network: Network) -> Groups:
    """Return the layers by type and by the calibration that they need.

    AMCT checks skipped layers too: no calibration may apply to an omitted layer
    that does not support it.
    """
    known = network.edition.layer_types
    layers: dict[str, dict[Need, list[str]]] = defaultdict(dict)
    uniform_only: dict[str, list[str]] = defaultdict(list)
    for layer in network.quantizable:
        if layer.name in config:
            wanted = wanted_by(config[layer.name], known.channel_wise(layer.type), network.edition.schema)
            need = _abilities(layer, wanted, network.edition), wanted
            layers[layer.type].setdefault(need, []).append(layer.name)
        elif known.obstacle(Feature.NON_UNIFORM, layer.type, layer.attributes):
            uniform_only[layer.type].append(layer.name)
    types = dict.fromkeys([*layers, *uniform_only])
    return {
        layer_type: Group(known.channel_wise(layer_type), layers[layer_type], uniform_only[layer_type])
        for layer_type in types
    }


def _abilities(layer: Layer, wanted: Calibration, edition: Edition) -> Abilities:
    types = edition.layer_types
    if not depend_on_layer(types) and not types.has(Feature.BALANCER):
        return ALL
    bits = edition.schema.parameters_by_key(wanted.activation.name).get(NUM_BITS)
    return Abilities(
        has_offset=symmetric_reason(layer, types) is None,
        has_balancer=supports(layer, types),
        ignored_field=None if bits is None or supports_int16(layer, types) else bits.settings[0],
    )


def _settings(config: Config, network: Network) -> dict[str, Any]:
    """Return the settings of the whole network: those that are not the default, and the skipped layers."""
    defaults = network.edition.schema.global_defaults
    keys = [key for key in network.edition.schema.global_keys if key in config and key != TENSORS]
    settings = {key: config[key] for key in keys if config[key] != defaults.get(key)}
    skipped: dict[str, list[str]] = defaultdict(list)
    for layer in network.quantizable:
        if not config.get(layer.name, {QUANT_ENABLE: False})[QUANT_ENABLE]:
            skipped[layer.type].append(layer.name)
    sizes = Counter(layer.type for layer in network.quantizable)
    types = [layer_type for layer_type, names in skipped.items() if 1 < len(names) == sizes[layer_type]]
    names = [name for layer_type, names in skipped.items() if layer_type not in types for name in names]
    return settings | {"skip_layers": names, "skip_layer_types": types}


def _comments(groups: Groups, layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield a comment for each override of a type that does not apply to all its layers."""
    for layer_type in layout.by_type:
        names = [name for names in groups[layer_type].layers.values() for name in names]
        others = sum(name in layout.by_layer for name in names)
        if others:
            whole = counted(len(names), f"{layer_type} layer")
            yield (
                layer_type,
                f"applies to {len(names) - others} of {whole}; the others have their own overrides",
            )


# --- differences


def _omissions(source: Source, plan: Plan) -> Iterator[Diagnostic]:
    """Yield warnings for the keys that the configuration omits but compiling writes."""
    missing: dict[PlanPath, list[str]] = defaultdict(list)
    for path, leaf in plan_leaves(plan):
        first = leaf[0] if isinstance(leaf, tuple) else leaf
        if first.origin.path[: len(path)] != path:
            missing[_owner(path)].append(str(path[-1]))
    owners: dict[tuple[str, ...], list[PlanPath]] = defaultdict(list)
    for owner, omitted in missing.items():
        owners[tuple(omitted)].append(owner)
    if not owners:
        return
    places = places_in(source)
    for keys, alike in owners.items():
        is_whole = alike == [()]
        where = "" if is_whole else f" of {quoted(map(_name, alike))}"
        span = places.value(()) if is_whole else places.key(alike[0])
        yield catalogue.KEYS_LEFT_OUT.at(span, keys=quoted(keys), where=where)


def _owner(path: PlanPath) -> PlanPath:
    """Return the path of the layer or the tensor that a value belongs to, () for a key of the network."""
    return path[:2] if is_in_list(path) else path[: len(path) > 1]


def _name(owner: PlanPath) -> str:
    return str(owner[0]) if len(owner) == 1 else f"{owner[0]}[{owner[1]}]"


def _changes(source: Source, plan: Plan, compiled: Plan) -> Iterator[Diagnostic]:
    """Yield an error for each value that differs after compiling the quant.cfg."""
    now = {path: value_of(leaf) for path, leaf in plan_leaves(compiled)}
    values = ((path, value_of(leaf)) for path, leaf in plan_leaves(plan))
    changed = [(path, value) for path, value in values if now.get(path) != value]
    if not changed:
        return
    places = places_in(source)
    for path, value in changed:
        yield catalogue.NOT_EXPRESSIBLE.at(
            places.value(path),
            key=path[-1],
            where=f" of {object_in_words(path)}" if _owner(path) else "",
            value=json.dumps(value),
            help=_nearest(now.get(path)),
        )


def _nearest(value: Any) -> str:
    reason = "numbers in a quant.cfg have 32 bits"
    return f"use {json.dumps(value)}: {reason}" if isinstance(value, float | list) else reason
