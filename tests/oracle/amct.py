"""From quant.cfg to AMCT's JSON, written down naively from the reference.

Section numbers are those of the reference: the one for Caffe, where nothing else
is said, and the one for ONNX, where they start with "ONNX". Open questions are
decided as their sections 8, 10 and 14 (U1 to U30 of ONNX) recommend.
"""

import functools
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from google.protobuf import descriptor_pool, message_factory, text_format

_PROTO = Path(__file__).resolve().parents[2] / "proto"

# Protobuf builds its classes at run time, so there is no type to name.
_Message: TypeAlias = Any


@dataclass(frozen=True)
class OracleEdition:
    """What the editions of AMCT differ in.

    `proto` is the file and the package of the request. `tensor` are the types of
    nodes with an input that can be quantized on its own (ONNX 2.2), and `num_bits`
    is whether that key is written (U19, ONNX U2).
    """

    proto: tuple[str, str]
    global_keys: tuple[str, ...]
    quantizable: tuple[str, ...]
    channel_wise: tuple[str, ...]
    fusible: tuple[str, ...]
    balanced: tuple[str, ...] = ()
    int16: tuple[str, ...] = ()
    tensor: tuple[str, ...] = ()
    num_bits: bool = False


CAFFE = OracleEdition(
    ("calibration_config_caffe", "amct_caffe"),
    global_keys=(
        "version",
        "batch_num",
        "activation_offset",
        "joint_quant",
        "do_fusion",
        "skip_fusion_layers",
    ),
    quantizable=("Convolution", "InnerProduct", "Deconvolution", "Pooling"),
    channel_wise=("Convolution", "Deconvolution"),
    fusible=("Convolution", "Deconvolution", "InnerProduct"),
)

ONNX = OracleEdition(
    ("calibration_config_onnx", "amct_onnx"),
    # ONNX 3.1
    global_keys=(
        "version",
        "batch_num",
        "activation_offset",
        "joint_quant",
        "do_fusion",
        "fakequant_precision_mode",
        "skip_fusion_layers",
        "tensor_quantize",
    ),
    quantizable=("Conv", "Gemm", "MatMul", "ConvTranspose", "AveragePool"),  # ONNX 6.1
    channel_wise=("Conv", "ConvTranspose"),  # ONNX 4.4
    fusible=("Conv", "ConvTranspose"),  # ONNX U14
    balanced=("Conv", "Gemm", "MatMul", "ConvTranspose"),  # ONNX 4.2
    int16=("Conv", "Gemm", "ConvTranspose"),  # ONNX 4.3
    tensor=("MaxPool", "Add"),  # ONNX 2.2
    num_bits=True,
)


@dataclass(frozen=True)
class OracleLayer:
    """A layer of the network, with the answers of section 5 (ONNX 4.2, 4.5, 6.1) given.

    `asymmetric` is False for a layer that can only be symmetric, `balancer` True for
    one that can have dmq_balancer. `inputs` has a flag for each input of the node:
    whether it is variable.
    """

    name: str
    type: str
    supported: bool
    non_uniform: bool
    asymmetric: bool = True
    balancer: bool = False
    inputs: tuple[bool, ...] = ()


class Refused(Exception):  # noqa: N818 - AMCT refuses the input; nothing here has failed
    """AMCT refuses the input (4.9); `reason` is a keyword."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


def lower(
    layers: Sequence[OracleLayer],
    edition: OracleEdition = CAFFE,
    *,
    config_text: str | None = None,
    skip_layers: Sequence[str] = (),
    batch_num: int = 1,
    activation_offset: bool = True,
    mapping: Mapping[str, object] | None = None,
) -> str:
    """Return the text of the JSON file (3), by the steps of 4.1, or raise Refused.

    With `config_text` the plain arguments have no effect (1). `mapping` is the
    content of the file that `nuq_config` names; None is for a file that
    cannot be read.
    """
    types = layer_types(layers)

    # Steps 1 and 2. A batch_num that is an argument need not fit into a uint32.
    if config_text is None:
        message = _message_class(edition)
        config = message(skip_layers=skip_layers, activation_offset=activation_offset)
    else:
        config = _parse(config_text, edition)
        batch_num = config.batch_num
    for names in (config.skip_layers, config.skip_layer_types, config.skip_fusion_layers):
        _reject_repeats(names)

    # Steps 3 to 5.
    by_name = _layer_overrides(config, layers, edition)
    by_type = _type_overrides(config, edition)
    overridden = {layer.name for layer in layers if layer.name in by_name or layer.type in by_type}
    common = _set_field(config, "common_config")
    if common is None and not by_type and edition is CAFFE:
        common, by_type = _deprecated_pair(config)

    # Steps 6 to 8. Quantized tensors are enough (ONNX 4.1).
    _check_skips(config, types, edition)
    supported = sorted((layer for layer in layers if layer.supported), key=lambda layer: layer.name)
    tensors = _tensors(config, common) if edition.tensor else []
    if not tensors:
        _reject_nothing(supported, "nothing_supported")
    _check_names(supported, edition)
    enabled = {
        layer.name
        for layer in supported
        if layer.name not in config.skip_layers and layer.type not in config.skip_layer_types
    }
    if not tensors:
        _reject_nothing(enabled, "nothing_enabled")

    # Steps 9 to 13.
    result = _globals(config, batch_num, tensors, edition)
    check_globals(result, layers, edition)
    compressed = _compressed_layers(config, mapping) - overridden
    for layer in supported:
        chosen = by_name.get(layer.name, by_type.get(layer.type, common))
        if chosen is None:
            chosen = _message_class(edition)().common_config
        nuq = config.nuq_config.nuq_quantize if layer.name in compressed and layer.non_uniform else None
        asymmetric = layer.asymmetric and _asymmetric(chosen, common, config.activation_offset)
        values = {
            "quant_enable": layer.name in enabled,
            **_balancer(layer, chosen),
            "activation_quant_params": _activation_params(chosen)
            | _possible_bits(layer, chosen, edition)
            | {"asymmetric": asymmetric},
            "weight_quant_params": _weight_params(layer, chosen, nuq, edition),
        }
        check_layer(layer, values, edition)
        result[layer.name] = values

    # Step 14.
    return dump(result)


def dump(values: Mapping[str, Any]) -> str:
    """Return the values as the text of the JSON file (3.5)."""
    return json.dumps(values, indent=4, separators=(",", ":"), allow_nan=False)


def layer_types(layers: Sequence[OracleLayer]) -> dict[str, str]:
    """Map the names of the layers to their types."""
    types = {layer.name: layer.type for layer in layers}
    if len(types) != len(layers):
        raise ValueError("the oracle knows nothing of layers that share a name")
    return types


# Reading


@functools.cache
def _message_class(edition: OracleEdition) -> Any:
    file, package = edition.proto
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile((_PROTO / f"{file}.binpb").read_bytes())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.AMCTConfig"))


def _parse(config_text: str, edition: OracleEdition) -> _Message:
    config = _message_class(edition)()
    try:
        text_format.Merge(config_text, config)
    except text_format.ParseError as error:
        raise Refused("parse", str(error)) from error
    # Merge does not report missing fields (2.9), AMCT should (U21).
    missing = config.FindInitializationErrors()
    if missing:
        raise Refused("required", ", ".join(missing))
    return config


def _set_field(message: _Message, name: str) -> _Message | None:
    """Return a field of a message if it is set; None also if the edition has no such field."""
    is_set = name in message.DESCRIPTOR.fields_by_name and message.HasField(name)
    return getattr(message, name) if is_set else None


def _reject_repeats(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise Refused("repeated", ", ".join(names))


def _reject_nothing(layers: Collection[object], reason: str) -> None:
    if not layers:
        raise Refused(reason)


def _layer_overrides(
    config: _Message, layers: Sequence[OracleLayer], edition: OracleEdition
) -> dict[str, _Message]:
    known = {layer.name: layer for layer in layers}
    overrides = {}
    _reject_repeats([override.layer_name for override in config.override_layer_configs])
    for override in config.override_layer_configs:
        name, calibration = override.layer_name, override.calibration_config
        if name not in known:
            raise Refused("unknown_layer", name)
        # Holds for any existing layer, supported or not (4.9).
        _check_possible(calibration, known[name].type, edition)
        if _set_field(calibration, "dmq_balancer") is not None and not known[name].balancer:
            raise Refused("balancer", name)
        if _own_asymmetric(calibration) and not known[name].asymmetric:
            raise Refused("symmetric", name)
        overrides[name] = calibration
    return overrides


def _type_overrides(config: _Message, edition: OracleEdition) -> dict[str, _Message]:
    overrides = {}
    _reject_repeats([override.layer_type for override in config.override_layer_types])
    for override in config.override_layer_types:
        layer_type, calibration = override.layer_type, override.calibration_config
        _check_quantizable(layer_type, edition)
        _check_possible(calibration, layer_type, edition)
        if _set_field(calibration, "dmq_balancer") is not None and layer_type not in edition.balanced:
            raise Refused("balancer", layer_type)
        overrides[layer_type] = calibration
    return overrides


def _deprecated_pair(config: _Message) -> tuple[_Message | None, dict[str, _Message]]:
    """Return what takes the place of common_config and of the type overrides (4.5)."""
    common = _set_field(config, "conv_calibration_config")
    # An unset fc_calibration_config reads as an empty one, which keeps conv's
    # settings away from InnerProduct and Pooling.
    names = [name for name in CAFFE.quantizable if name not in CAFFE.channel_wise]
    by_type = dict.fromkeys(names, config.fc_calibration_config)
    for name, calibration in by_type.items():
        _check_possible(calibration, name, CAFFE)
    return common, by_type


def _check_possible(calibration: _Message, layer_type: str, edition: OracleEdition) -> None:
    """Check that an override has only what its type can have (4.9, ONNX 4.3)."""
    if calibration.arq_quantize.channel_wise and layer_type not in edition.channel_wise:
        raise Refused("channel_wise", layer_type)
    if _activation_params(calibration).get("num_bits") == 16 and layer_type not in edition.int16:
        raise Refused("int16", layer_type)


def _check_quantizable(layer_type: str, edition: OracleEdition) -> None:
    if layer_type not in edition.quantizable:
        raise Refused("not_quantizable", layer_type)


def _check_skips(config: _Message, types: Mapping[str, str], edition: OracleEdition) -> None:
    for name in config.skip_layers:
        if name not in types:
            raise Refused("unknown_layer", name)
        _check_quantizable(types[name], edition)
    for layer_type in config.skip_layer_types:
        _check_quantizable(layer_type, edition)
    if set(config.skip_layer_types) == set(edition.quantizable):
        raise Refused("all_types_skipped")


def _check_names(supported: Sequence[OracleLayer], edition: OracleEdition) -> None:
    for layer in supported:
        if layer.name in edition.global_keys:
            raise Refused("name_clash", layer.name)


def _compressed_layers(config: _Message, mapping: Any) -> set[str]:
    """Return the original names of the operators whose weights can be compressed (4.7, 5.5, U8)."""
    if not config.HasField("nuq_config"):
        return set()
    if mapping is None:
        raise Refused("mapping_file", config.nuq_config.mapping_file)
    names: set[str] = set()
    try:
        for op in mapping["graph"][0].get("op", []):
            attributes = {attr.get("key"): attr.get("value", {}) for attr in op.get("attr", [])}
            flags = [attributes.get(key, {}) for key in ("_fe_weight_compress", "fe_weight_compress")]
            if any(flag.get("b") is True for flag in flags):
                origin = attributes.get("_datadump_original_op_names", {})
                names.update(origin.get("list", {}).get("s", []))
    except (AttributeError, LookupError, TypeError) as error:
        raise Refused("mapping", str(error)) from error
    # Layers that quantization inserted are among the names; they are not in the
    # network, so nothing comes of them.
    return names


# Values


def _globals(
    config: _Message, batch_num: int, tensors: list[dict[str, Any]], edition: OracleEdition
) -> dict[str, Any]:
    values = {
        "version": 1,
        "batch_num": batch_num,
        "activation_offset": config.activation_offset,
        "joint_quant": config.joint_quant,
        "do_fusion": config.do_fusion,
        "skip_fusion_layers": list(config.skip_fusion_layers),
        "tensor_quantize": tensors,
    }
    if _set_field(config, "fakequant_precision_mode") is not None:
        # The only value there is (ONNX 2.2).
        values["fakequant_precision_mode"] = "FORCE_FP16_QUANT"
    return {key: values[key] for key in edition.global_keys if key in values}


def _tensors(config: _Message, common: _Message | None) -> list[dict[str, Any]]:
    """Return the entries of tensor_quantize (ONNX 3.2, 4.1)."""
    return [
        {
            "layer_name": tensor.layer_name,
            "input_index": tensor.input_index,
            "activation_quant_params": _activation_params(tensor)
            | {"asymmetric": _asymmetric(tensor, common, config.activation_offset)},
        }
        for tensor in config.tensor_quantize
    ]


def _activation_params(chosen: _Message) -> dict[str, Any]:
    """Return the activation parameters of 3.3 (ONNX 3.3), but for `asymmetric`."""
    if chosen.HasField("hfmg_quantize"):
        hfmg = chosen.hfmg_quantize
        return _num_bits(hfmg) | {"act_algo": "hfmg", "num_of_bins": hfmg.num_of_bins}
    # An absent message reads as one with all defaults.
    ifmr = chosen.ifmr_quantize
    return _num_bits(ifmr) | {
        "max_percentile": shortest(ifmr.max_percentile),
        "min_percentile": shortest(ifmr.min_percentile),
        "search_range": [shortest(ifmr.search_range_start), shortest(ifmr.search_range_end)],
        "search_step": shortest(ifmr.search_step),
        "act_algo": "ifmr",
    }


def _num_bits(algorithm: _Message) -> dict[str, Any]:
    """Return the number of bits that dst_type sets; INT16 is 2 (ONNX 2.2, 4.3)."""
    if "dst_type" not in algorithm.DESCRIPTOR.fields_by_name:
        return {}
    return {"num_bits": 16 if algorithm.dst_type == 2 else 8}


def _possible_bits(layer: OracleLayer, chosen: _Message, edition: OracleEdition) -> dict[str, Any]:
    """Return the bits of a layer that cannot have the 16 of common_config (ONNX 4.3)."""
    has_too_many = _activation_params(chosen).get("num_bits") == 16 and layer.type not in edition.int16
    return {"num_bits": 8} if has_too_many else {}


def _balancer(layer: OracleLayer, chosen: _Message) -> dict[str, Any]:
    """Return dmq_balancer_param where a layer has it; one that cannot loses it (ONNX 4.2, U22)."""
    balancer = _set_field(chosen, "dmq_balancer")
    if balancer is None or not layer.balancer:
        return {}
    return {"dmq_balancer_param": shortest(balancer.migration_strength)}


def shortest(value: float) -> float:
    """Return the number that AMCT writes for a proto float (4.8)."""
    return float(str(np.float32(value)))


def _asymmetric(chosen: _Message, common: _Message | None, activation_offset: bool) -> bool:
    """Return the flag of a layer, as the code decides it (4.4, U12)."""
    own = _own_asymmetric(chosen)
    if own is not None:
        return own
    if common is not None and common.WhichOneof("acts_quant_algo") == _algorithm(chosen):
        shared = _own_asymmetric(common)
        if shared is not None:
            return shared
    return activation_offset


def _own_asymmetric(calibration: _Message) -> bool | None:
    return _set_field(getattr(calibration, _algorithm(calibration)), "asymmetric")


def _algorithm(calibration: _Message) -> str:
    return "hfmg_quantize" if calibration.HasField("hfmg_quantize") else "ifmr_quantize"


def _weight_params(
    layer: OracleLayer, chosen: _Message, nuq: _Message | None, edition: OracleEdition
) -> dict[str, Any]:
    """Return the weight parameters of 3.4 (ONNX 3.3); `nuq` is set where the mapping selects the layer."""
    num_bits = {"num_bits": 8} if edition.num_bits else {}
    if nuq is None:
        nuq = _set_field(chosen, "nuq_quantize")
    if nuq is not None:
        return num_bits | {
            "wts_algo": "nuq_quantize",
            "num_steps": nuq.num_steps,
            "num_of_iteration": nuq.num_of_iteration,
        }
    arq = chosen.arq_quantize
    quant_bits = _set_field(arq, "quant_bits")
    if quant_bits is not None:
        num_bits = {"num_bits": quant_bits}
    channel_wise = _set_field(arq, "channel_wise")
    return num_bits | {
        "wts_algo": "arq_quantize",
        "channel_wise": layer.type in edition.channel_wise if channel_wise is None else channel_wise,
    }


# Checks of values


def check_globals(values: Mapping[str, Any], layers: Sequence[OracleLayer], edition: OracleEdition) -> None:
    """Check the ranges of 3.1, and the tensors (ONNX U18)."""
    # True would pass for 1 and be written as a flag (1).
    if type(values["batch_num"]) is not int or values["batch_num"] < 1:
        raise Refused("batch_num")
    if values["version"] != 1:
        raise Refused("version")
    types = layer_types(layers)
    _reject_repeats(values["skip_fusion_layers"])
    for name in values["skip_fusion_layers"]:
        if name not in types:
            raise Refused("unknown_layer", name)
        if types[name] not in edition.fusible:
            raise Refused("not_fusible", name)
    if edition.tensor:
        _check_tensors(values["tensor_quantize"], layers, edition)


def _check_tensors(
    tensors: Sequence[Mapping[str, Any]], layers: Sequence[OracleLayer], edition: OracleEdition
) -> None:
    known = {layer.name: layer for layer in layers}
    _reject_repeats([f"{tensor['layer_name']} {tensor['input_index']}" for tensor in tensors])
    for tensor in tensors:
        name, index = tensor["layer_name"], tensor["input_index"]
        if name not in known:
            raise Refused("unknown_layer", name)
        if known[name].type not in edition.tensor:
            raise Refused("not_a_tensor", name)
        if not 0 <= index < len(known[name].inputs) or not known[name].inputs[index]:
            raise Refused("tensor_input", f"{index} of {name}")
        _check_activation(tensor["activation_quant_params"], f"{name} {index}")


def check_layer(layer: OracleLayer, values: Mapping[str, Any], edition: OracleEdition) -> None:
    """Check the ranges of 3.3 and 3.4 for the complete values of a layer, skipped or not (4.3)."""
    if "dmq_balancer_param" in values:
        _require(0.2 <= values["dmq_balancer_param"] <= 0.8, layer.name, "dmq_balancer_param")
    activation = values["activation_quant_params"]
    _check_activation(activation, layer.name)
    # A configuration that is read may have what no request can give (ONNX 3.4).
    if activation.get("num_bits") == 16 and layer.type not in edition.int16:
        raise Refused("int16", layer.name)
    if activation["asymmetric"] and not layer.asymmetric:
        raise Refused("symmetric", layer.name)

    weights = values["weight_quant_params"]
    # ONNX U5.
    _require(weights.get("num_bits", 8) == 8, layer.name, "num_bits")
    if weights["wts_algo"] == "nuq_quantize":
        if not layer.non_uniform:
            raise Refused("non_uniform", layer.name)
        _require(weights["num_steps"] in (16, 32), layer.name, "num_steps")
        _require(weights["num_of_iteration"] in range(6), layer.name, "num_of_iteration")
    elif weights["channel_wise"] and layer.type not in edition.channel_wise:
        raise Refused("channel_wise", layer.name)


def _check_activation(activation: Mapping[str, Any], where: str) -> None:
    _require(activation.get("num_bits", 8) in (8, 16), where, "num_bits")
    if activation["act_algo"] == "hfmg":
        _require(activation["num_of_bins"] in (1024, 2048, 4096, 8192), where, "num_of_bins")
    else:
        _check_ifmr(activation, where)


def _check_ifmr(activation: Mapping[str, Any], where: str) -> None:
    step = activation["search_step"]
    start, end = activation["search_range"]
    for value in (step, start, end, activation["max_percentile"], activation["min_percentile"]):
        # Only a float can be nan or inf (U22), and a huge integer is not one.
        _require(isinstance(value, int) or math.isfinite(value), where, "not finite")
    for key in ("max_percentile", "min_percentile"):
        _require(0.5 < activation[key] <= 1, where, key)
    _require(0 < start < end, where, "search_range")
    widest = Decimal(str(end)) - Decimal(str(start))
    _require(0 < Decimal(str(step)) <= widest, where, "search_step")


def _require(holds: bool, where: str, what: str) -> None:
    if not holds:
        raise Refused("range", f"{what} in {where}")
