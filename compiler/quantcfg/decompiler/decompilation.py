"""The steps of a decompilation: read, lay out, print, and compile again to see that nothing has changed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from quantcfg.compile import compile_source, is_configuration
from quantcfg.configuration import Places, places_in
from quantcfg.decompiler.quant_cfg import print_layout
from quantcfg.decompiler.shortest import Group, Groups, Layout, shortest_layout
from quantcfg.decompiler.wanted import Wanted, wanted_by
from quantcfg.diagnostics import Diagnostic, catalogue, has_errors, in_order
from quantcfg.diagnostics.phrases import counted, quoted
from quantcfg.emit import Config, Configuration
from quantcfg.emit.emit import leaves, value_of
from quantcfg.files import has_other_content
from quantcfg.frozen import frozen_value
from quantcfg.network import Network
from quantcfg.plan import Plan
from quantcfg.source import Source, Span, argument_span


@frozen_value
class Decompilation:
    """What a decompilation gave.

    text is a quant.cfg, and settings how many it has; text is None where there
    are errors. diagnostics holds errors, warnings and notes, sorted by place.
    """

    text: str | None
    diagnostics: tuple[Diagnostic, ...]
    settings: int = 0

    @property
    def ok(self) -> bool:
        """Whether there is a text."""
        return self.text is not None


def decompile(config: str | Mapping[str, Any], network: Network, name: str = "config.json") -> Decompilation:
    """Return the shortest quant.cfg that compiles to a configuration. It raises nothing for bad input.

    The quant.cfg has none of the deprecated fields, and no nuq_config, whose
    mapping file is not known. Layers that the configuration leaves out are
    skipped. What no quant.cfg can say is an error, by layer and key.

    Args:
        config: the text of a configuration, or its value.
        network: what read_model returned.
        name: what the configuration is called in diagnostics.

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
        return Decompilation(None, tuple(other) if is_other else (_no_configuration(source),))
    compiled = compile_source(source, network, network.edition)
    if not compiled.ok:
        return Decompilation(None, compiled.diagnostics)
    config = compiled.configuration.config
    groups = _groups(config, network)
    layout = shortest_layout(groups, config["activation_offset"], network.edition.schema)
    settings = _settings(config, network)
    order = [layer.name for layer in network.quantizable]
    remarks = dict(_remarks(groups, layout))
    text = print_layout(network.edition.request, settings, layout, order, remarks)
    found = [
        *compiled.diagnostics,
        *_absences(source, compiled.plan),
        *_changes(source, compiled.plan, _plan_of(text, network)),
    ]
    number = _number(settings) + layout.settings
    return Decompilation(None if has_errors(found) else text, in_order(found), number)


def _no_configuration(source: Source) -> Diagnostic:
    return catalogue.ANOTHER_FORMAT.at(
        Span(source, 0, min(1, len(source.text))),
        what="a text without a brace before it",
        wanted="a JSON configuration",
        help='"quantcfg compile" makes a configuration of a quant.cfg',
    )


def _number(settings: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in settings.values())


def _groups(config: Config, network: Network) -> Groups:
    """Return the layers by type and by what they are to have.

    What the configuration leaves out is skipped, and may have anything that it
    can have: AMCT checks it like the others.
    """
    known = network.edition.layer_types
    layers: dict[str, dict[Wanted, list[str]]] = defaultdict(dict)
    barred: dict[str, list[str]] = defaultdict(list)
    for layer in network.quantizable:
        if layer.name in config:
            wanted = wanted_by(config[layer.name], known.channel_wise(layer.type), network.edition.schema)
            layers[layer.type].setdefault(wanted, []).append(layer.name)
        elif known.obstacle("non_uniform", layer.type, layer.attributes):
            barred[layer.type].append(layer.name)
    types = dict.fromkeys([*layers, *barred])
    return {
        layer_type: Group(known.channel_wise(layer_type), layers[layer_type], barred[layer_type])
        for layer_type in types
    }


def _settings(config: Config, network: Network) -> dict[str, Any]:
    """Return what is written for the whole network: what is not the default, and which layers are skipped."""
    defaults = network.edition.schema.global_defaults
    settings = {key: config[key] for key, default in defaults.items() if config[key] != default}
    skipped: dict[str, list[str]] = defaultdict(list)
    for layer in network.quantizable:
        if not config.get(layer.name, {"quant_enable": False})["quant_enable"]:
            skipped[layer.type].append(layer.name)
    sizes = Counter(layer.type for layer in network.quantizable)
    types = [layer_type for layer_type, names in skipped.items() if 1 < len(names) == sizes[layer_type]]
    names = [name for layer_type, names in skipped.items() if layer_type not in types for name in names]
    return settings | {"skip_layers": names, "skip_layer_types": types}


def _remarks(groups: Groups, layout: Layout) -> Iterator[tuple[str, str]]:
    """Yield for the override of a type what it does not show: that some of its layers have another."""
    for layer_type in layout.by_type:
        names = [name for names in groups[layer_type].layers.values() for name in names]
        others = sum(name in layout.by_layer for name in names)
        if others:
            whole = counted(len(names), f"{layer_type} layer")
            yield layer_type, f"for {len(names) - others} of {whole}; the others have overrides of their own"


def _plan_of(text: str, network: Network) -> Plan:
    return compile_source(Source("quant.cfg", text), network, network.edition).plan


# --- what is not the same


def _absences(source: Source, plan: Plan) -> Iterator[Diagnostic]:
    """Yield which keys are left out, of the configuration and of layers, that a compile writes."""
    missing: dict[str, list[str]] = defaultdict(list)
    for path, leaf in leaves(plan):
        first = leaf[0] if isinstance(leaf, tuple) else leaf
        if first.origin.path[: len(path)] != path:
            missing[path[0] if len(path) > 1 else ""].append(path[-1])
    layers: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for layer, absent in missing.items():
        layers[tuple(absent)].append(layer)
    places = places_in(source) if missing else Places()
    for keys, names in layers.items():
        is_whole = names == [""]
        where = "" if is_whole else f" of {quoted(names)}"
        span = places.value(()) if is_whole else places.key((names[0],))
        yield catalogue.KEYS_LEFT_OUT.at(span, keys=quoted(keys), where=where)


def _changes(source: Source, plan: Plan, compiled: Plan) -> Iterator[Diagnostic]:
    """Yield each value of the configuration that is another one in what the quant.cfg compiles to."""
    now = {path: value_of(leaf) for path, leaf in leaves(compiled)}
    values = ((path, value_of(leaf)) for path, leaf in leaves(plan))
    changed = [(path, value) for path, value in values if now.get(path) != value]
    places = places_in(source) if changed else Places()
    for path, value in changed:
        yield catalogue.NOT_EXPRESSIBLE.at(
            places.value(path),
            key=path[-1],
            where=f' of layer "{path[0]}"' if len(path) > 1 else "",
            value=json.dumps(value),
            help=_nearest(now.get(path)),
        )


def _nearest(value: Any) -> str:
    near = f": {json.dumps(value)} is as near as it comes" if isinstance(value, float | list) else ""
    return f"the numbers of a quant.cfg have 32 bits{near}"
