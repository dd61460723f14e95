"""The steps of a decompilation: read, lay out, print, and compile again to see that nothing has changed."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from quantcfg.caffe import Network, capabilities
from quantcfg.configuration import Places, completed, leaves, places_in, read_configuration
from quantcfg.decompiler.shortest import Groups, Layout, shortest_layout
from quantcfg.decompiler.text import print_layout
from quantcfg.decompiler.wanted import Calibration, Wanted, usual_activation, usual_weight, wanted_by
from quantcfg.diagnostics import Diagnostic, catalogue, has_errors, in_order
from quantcfg.diagnostics.words import counted, quoted
from quantcfg.output import Config, config_of, text_of
from quantcfg.plan import contract, lower, request_from_config
from quantcfg.source import Source, argument_span


@dataclass(frozen=True, slots=True)
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
        text = config if isinstance(config, str) else text_of(dict(config))
    except (TypeError, ValueError, RecursionError):
        span, found = argument_span("config", config), type(config).__name__
        problem = catalogue.WRONG_ARGUMENT.at(
            span, argument="config", expected="a configuration", found=found
        )
        return Decompilation(None, (problem,))
    return decompile_source(Source(name, text), network)


def decompile_source(source: Source, network: Network) -> Decompilation:
    """Return the shortest quant.cfg for the text of a configuration."""
    found: list[Diagnostic] = []
    given = read_configuration(source, network, found.append)
    if given is None:
        return Decompilation(None, in_order(found))
    config = completed(given, network)
    groups = _groups(config, network)
    layout = _completed(shortest_layout(groups, config["activation_offset"]), config, network)
    settings = _settings(config, network)
    text = print_layout(settings, layout, dict(_remarks(groups, layout)))
    found += [*_absences(source, given, config), *_changes(source, config, _compiled(text, network))]
    number = _number(settings) + layout.settings
    return Decompilation(None if has_errors(found) else text, in_order(found), number)


def _number(settings: Mapping[str, Any]) -> int:
    return sum(len(value) if isinstance(value, list) else 1 for value in settings.values())


def _groups(config: Config, network: Network) -> Groups:
    """Return the layers of a configuration by type and by what they are to have."""
    groups: dict[str, dict[Wanted, list[str]]] = {}
    for layer in network.quantizable:
        if layer.name in config:
            group = groups.setdefault(layer.type, {})
            group.setdefault(wanted_by(config[layer.name], layer.type), []).append(layer.name)
    return groups


def _completed(layout: Layout, config: Config, network: Network) -> Layout:
    """Return a layout for all layers, in network order.

    Those that the configuration leaves out are skipped, and may have anything;
    but no layer is given what it cannot have.
    """
    plain = Calibration(usual_activation(), None, usual_weight())
    reached = ((layer, layout.by_type.get(layer.type, layout.common)) for layer in network.quantizable)
    unfit = {
        layer.name: plain
        for layer, calibration in reached
        if layer.name not in config
        and calibration
        and not calibration.weight.is_usual
        and capabilities.obstacle("non_uniform", layer.type, layer.attributes)
    }
    by_layer = {**layout.by_layer, **unfit}
    return replace(
        layout,
        by_layer={each.name: by_layer[each.name] for each in network.quantizable if each.name in by_layer},
    )


def _settings(config: Config, network: Network) -> dict[str, Any]:
    """Return what is written for the whole network: what is not the default, and which layers are skipped."""
    defaults = contract.global_defaults()
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
        names = [name for names in groups[layer_type].values() for name in names]
        others = sum(name in layout.by_layer for name in names)
        if others:
            whole = counted(len(names), f"{layer_type} layer")
            yield layer_type, f"for {len(names) - others} of {whole}; the others have overrides of their own"


def _compiled(text: str, network: Network) -> Config:
    request = request_from_config(Source("quant.cfg", text), lambda _: None)
    return config_of(lower(network, request, lambda _: None))


# --- what is not the same


def _absences(source: Source, given: Mapping[str, Any], config: Config) -> Iterator[Diagnostic]:
    """Yield that the configuration leaves out keys, which a compile writes."""
    present = dict(leaves(given))
    keys = dict.fromkeys(str(path[-1]) for path, _ in leaves(config) if path not in present)
    if keys:
        yield catalogue.KEYS_LEFT_OUT.at(places_in(source).value(()), keys=quoted(keys))


def _changes(source: Source, config: Config, compiled: Config) -> Iterator[Diagnostic]:
    """Yield each value of the configuration that is another one in what the quant.cfg compiles to."""
    now = dict(leaves(compiled))
    changed = [(path, value) for path, value in leaves(config) if now.get(path) != value]
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
