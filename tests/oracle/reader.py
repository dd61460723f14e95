"""What a consumer of AMCT's JSON checks and fills in (3.6 of the reference, and 3.4 of that for ONNX)."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle.amct import CAFFE, OracleEdition, OracleLayer, Refused, check_globals, check_layer

GLOBAL_DEFAULTS: dict[str, Any] = {
    "version": 1,
    "batch_num": 1,
    "activation_offset": True,
    "joint_quant": False,
    "do_fusion": True,
    "fakequant_precision_mode": "FORCE_FP16_QUANT",
    "skip_fusion_layers": [],
    "tensor_quantize": [],
}

WITHOUT_DEFAULT = ("fakequant_precision_mode", "dmq_balancer_param")
"""What is left out where it is not given (ONNX 3.1, 3.3)."""


def read(text: str, layers: Sequence[OracleLayer], edition: OracleEdition = CAFFE) -> dict[str, Any]:
    """Return all values of the configuration, in the order of section 3, or raise Refused.

    Layers that the text does not list are not quantized and not in the result.
    """
    given = _parse(text)
    known = {layer.name: layer for layer in layers}
    defaults = {key: GLOBAL_DEFAULTS[key] for key in edition.global_keys}
    names = sorted(key for key in given if key not in defaults)

    values = _fill(defaults, {key: given[key] for key in given if key in defaults}, "the globals")
    if any(not isinstance(name, str) for name in values["skip_fusion_layers"]):
        raise Refused("wrong_type", "skip_fusion_layers")
    if values.get("fakequant_precision_mode", "FORCE_FP16_QUANT") != "FORCE_FP16_QUANT":
        raise Refused("range", "fakequant_precision_mode")
    offset = values["activation_offset"]
    tensors = [_tensor(tensor, edition, offset) for tensor in values.get("tensor_quantize", [])]
    if tensors:
        values["tensor_quantize"] = tensors
    check_globals(values, layers, edition)

    for name in names:
        if name not in known:
            raise Refused("unknown_layer", name)
        if not known[name].supported:
            raise Refused("not_quantizable", name)
        values[name] = _layer(known[name], given[name], edition, offset)
    if not tensors and not any(values[name]["quant_enable"] for name in names):
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


def _tensor(given: Any, edition: OracleEdition, activation_offset: bool) -> dict[str, Any]:
    defaults = {"layer_name": "", "input_index": 0, "activation_quant_params": {}}
    values = _fill(defaults, _object(given, "tensor_quantize"), "tensor_quantize")
    for key in ("layer_name", "input_index"):
        if key not in given:
            raise Refused("required", key)
    where = f"tensor_quantize of {values['layer_name']}"
    values["activation_quant_params"] = _activation(
        values["activation_quant_params"], where, edition, activation_offset
    )
    return values


def _layer(layer: OracleLayer, given: Any, edition: OracleEdition, activation_offset: bool) -> dict[str, Any]:
    defaults = {
        "quant_enable": True,
        **({"dmq_balancer_param": 0.5} if edition.balanced else {}),
        "activation_quant_params": {},
        "weight_quant_params": {},
    }
    values = _fill(defaults, _object(given, layer.name), layer.name)
    values["activation_quant_params"] = _activation(
        values["activation_quant_params"], layer.name, edition, activation_offset and layer.asymmetric
    )
    values["weight_quant_params"] = _weights(values["weight_quant_params"], layer, edition)
    check_layer(layer, values, edition)
    return values


def _activation(
    given: Mapping[str, Any], where: str, edition: OracleEdition, asymmetric: bool
) -> dict[str, Any]:
    ifmr = {
        **_num_bits(edition),
        "max_percentile": 0.999999,
        "min_percentile": 0.999999,
        "search_range": [0.7, 1.3],
        "search_step": 0.01,
        "act_algo": "ifmr",
        "asymmetric": asymmetric,
    }
    hfmg = {**_num_bits(edition), "act_algo": "hfmg", "num_of_bins": 4096, "asymmetric": asymmetric}
    values = _fill_algorithm([ifmr, hfmg], "act_algo", given, where)
    search_range = values.get("search_range", [0.7, 1.3])
    if len(search_range) != 2 or not all(_same_kind(0.7, value) for value in search_range):
        raise Refused("wrong_type", f"search_range in {where}")
    return values


def _weights(given: Mapping[str, Any], layer: OracleLayer, edition: OracleEdition) -> dict[str, Any]:
    channel_wise = layer.type in edition.channel_wise
    arq = {**_num_bits(edition), "wts_algo": "arq_quantize", "channel_wise": channel_wise}
    nuq = {**_num_bits(edition), "wts_algo": "nuq_quantize", "num_steps": 32, "num_of_iteration": 1}
    return _fill_algorithm([arq, nuq], "wts_algo", given, layer.name)


def _num_bits(edition: OracleEdition) -> dict[str, Any]:
    return {"num_bits": 8} if edition.num_bits else {}


def _fill_algorithm(
    algorithms: Sequence[Mapping[str, Any]], key: str, given: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Fill in the defaults of the algorithm that `given[key]` names; without it, num_of_bins means hfmg."""
    name = given.get(key, "hfmg" if key == "act_algo" and "num_of_bins" in given else algorithms[0][key])
    for algorithm in algorithms:
        if algorithm[key] == name:
            others = {other for entry in algorithms for other in entry if other not in algorithm}
            if others & set(given):
                raise Refused("mixed", where)
            return _fill(algorithm, given, where)
    raise Refused("unknown_algorithm", f"{name} in {where}")


def _fill(defaults: Mapping[str, Any], given: Mapping[str, Any], where: str) -> dict[str, Any]:
    for key, value in given.items():
        if key not in defaults:
            raise Refused("unknown_key", f"{key} in {where}")
        if not _same_kind(defaults[key], value):
            raise Refused("wrong_type", f"{key} in {where}")
    return {
        key: given.get(key, default)
        for key, default in defaults.items()
        if key in given or key not in WITHOUT_DEFAULT
    }


def _same_kind(default: Any, value: Any) -> bool:
    # By type and not by isinstance: True is not a number of batches.
    if isinstance(default, float):
        return type(value) in (int, float)
    return type(value) is type(default)
