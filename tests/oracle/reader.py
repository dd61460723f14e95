"""What a consumer of AMCT's JSON checks and fills in (3.6 of the reference)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle.amct import OracleLayer, Refused, check_globals, check_layer, layer_types

GLOBAL_DEFAULTS: dict[str, Any] = {
    "version": 1,
    "batch_num": 1,
    "activation_offset": True,
    "joint_quant": False,
    "do_fusion": True,
    "skip_fusion_layers": [],
}


def read(text: str, layers: Sequence[OracleLayer]) -> dict[str, Any]:
    """Return all values of the configuration, in the order of section 3, or raise Refused.

    Layers that the text does not list are not quantized and not in the result.
    """
    given = _parse(text)
    known = {layer.name: layer for layer in layers}
    names = sorted(key for key in given if key not in GLOBAL_DEFAULTS)

    values = _fill(
        GLOBAL_DEFAULTS, {key: given[key] for key in given if key in GLOBAL_DEFAULTS}, "the globals"
    )
    if any(not isinstance(name, str) for name in values["skip_fusion_layers"]):
        raise Refused("wrong_type", "skip_fusion_layers")
    check_globals(values, layer_types(layers))

    for name in names:
        if name not in known:
            raise Refused("unknown_layer", name)
        if not known[name].supported:
            raise Refused("not_quantizable", name)
        values[name] = _layer(known[name], given[name], values["activation_offset"])
    if not any(values[name]["quant_enable"] for name in names):
        raise Refused("nothing_enabled")
    return values


def _parse(text: str) -> dict[str, Any]:
    try:
        return _object(json.loads(text, object_pairs_hook=_distinct, parse_constant=_no_constant), "the file")
    except (ValueError, RecursionError) as error:
        raise Refused("parse", str(error)) from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise Refused("repeated", ", ".join(key for key, _ in pairs))
    return values


def _no_constant(name: str) -> None:
    # NaN and Infinity, which Python reads and JSON does not know (U22).
    raise Refused("parse", name)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Refused("wrong_type", what)
    return value


def _layer(layer: OracleLayer, given: Any, activation_offset: bool) -> dict[str, Any]:
    defaults = {"quant_enable": True, "activation_quant_params": {}, "weight_quant_params": {}}
    values = _fill(defaults, _object(given, layer.name), layer.name)
    values["activation_quant_params"] = _activation(
        values["activation_quant_params"], layer, activation_offset
    )
    values["weight_quant_params"] = _weights(values["weight_quant_params"], layer)
    check_layer(layer, values)
    return values


def _activation(given: Mapping[str, Any], layer: OracleLayer, activation_offset: bool) -> dict[str, Any]:
    ifmr = {
        "max_percentile": 0.999999,
        "min_percentile": 0.999999,
        "search_range": [0.7, 1.3],
        "search_step": 0.01,
        "act_algo": "ifmr",
        "asymmetric": activation_offset,
    }
    hfmg = {"act_algo": "hfmg", "num_of_bins": 4096, "asymmetric": activation_offset}
    values = _fill_algorithm([ifmr, hfmg], "act_algo", given, layer)
    search_range = values.get("search_range", [0.7, 1.3])
    if len(search_range) != 2 or not all(_same_kind(0.7, value) for value in search_range):
        raise Refused("wrong_type", f"search_range in layer {layer.name}")
    return values


def _weights(given: Mapping[str, Any], layer: OracleLayer) -> dict[str, Any]:
    arq = {"wts_algo": "arq_quantize", "channel_wise": layer.type in ("Convolution", "Deconvolution")}
    nuq = {"wts_algo": "nuq_quantize", "num_steps": 32, "num_of_iteration": 1}
    return _fill_algorithm([arq, nuq], "wts_algo", given, layer)


def _fill_algorithm(
    algorithms: Sequence[Mapping[str, Any]], key: str, given: Mapping[str, Any], layer: OracleLayer
) -> dict[str, Any]:
    """Fill in the defaults of the algorithm that `given[key]` names; without it, num_of_bins means hfmg."""
    name = given.get(key, "hfmg" if key == "act_algo" and "num_of_bins" in given else algorithms[0][key])
    for algorithm in algorithms:
        if algorithm[key] == name:
            others = {other for entry in algorithms for other in entry if other not in algorithm}
            if others & set(given):
                raise Refused("mixed", layer.name)
            return _fill(algorithm, given, layer.name)
    raise Refused("unknown_algorithm", f"{name} in layer {layer.name}")


def _fill(defaults: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    for key, value in given.items():
        if key not in defaults:
            raise Refused("unknown_key", f"{key} in {where}")
        if not _same_kind(defaults[key], value):
            raise Refused("wrong_type", f"{key} in {where}")
    return {key: given.get(key, default) for key, default in defaults.items()}


def _same_kind(default: Any, value: Any) -> bool:
    # By type and not by isinstance: True is not a number of batches.
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)
