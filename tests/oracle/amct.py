"""From quant.cfg to AMCT's JSON, written down naively from the reference.

Section numbers are those of the reference. Open questions are decided as its
section 8 recommends.
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

GLOBAL_KEYS = (
    "version",
    "batch_num",
    "activation_offset",
    "joint_quant",
    "do_fusion",
    "skip_fusion_layers",
)
QUANTIZABLE_TYPES = ("Convolution", "InnerProduct", "Deconvolution", "Pooling")
CHANNEL_WISE_TYPES = ("Convolution", "Deconvolution")
FUSIBLE_TYPES = ("Convolution", "Deconvolution", "InnerProduct")

_DESCRIPTOR = Path(__file__).resolve().parents[2] / "proto" / "calibration_config_caffe.binpb"

# Protobuf builds its classes at run time, so there is no type to name.
_Message: TypeAlias = Any


@dataclass(frozen=True)
class OracleLayer:
    """A layer of the network, with the answers of section 5 given."""

    name: str
    type: str
    supported: bool
    non_uniform: bool


class Refused(Exception):  # noqa: N818 - AMCT refuses the input; nothing here has failed
    """AMCT refuses the input (4.9); `reason` is a keyword."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason


def lower(
    layers: Sequence[OracleLayer],
    *,
    config_text: str | None = None,
    skip_layers: Sequence[str] = (),
    batch_num: int = 1,
    activation_offset: bool = True,
    mapping: Mapping[str, object] | None = None,
) -> str:
    """Return the text of the JSON file (3), by the steps of 4.1, or raise Refused.

    With `config_text` the plain arguments have no effect (1). `mapping` is the
    content of the file that `nuq_config` names; None stands for a file that
    cannot be read.
    """
    types = layer_types(layers)

    # Steps 1 and 2. A batch_num that is an argument need not fit into a uint32.
    if config_text is None:
        config = _message_class()(skip_layers=skip_layers, activation_offset=activation_offset)
    else:
        config = _parse(config_text)
        batch_num = config.batch_num
    for names in (config.skip_layers, config.skip_layer_types, config.skip_fusion_layers):
        _reject_repeats(names)

    # Steps 3 to 5.
    by_name = _layer_overrides(config, types)
    by_type = _type_overrides(config)
    overridden = {layer.name for layer in layers if layer.name in by_name or layer.type in by_type}
    common = config.common_config if config.HasField("common_config") else None
    if common is None and not by_type:
        common, by_type = _deprecated_pair(config)

    # Steps 6 to 8.
    _check_skips(config, types)
    supported = sorted((layer for layer in layers if layer.supported), key=lambda layer: layer.name)
    _check_supported(supported)
    enabled = {
        layer.name
        for layer in supported
        if layer.name not in config.skip_layers and layer.type not in config.skip_layer_types
    }
    if not enabled:
        raise Refused("nothing_enabled")

    # Steps 9 to 13.
    result = _globals(config, batch_num)
    check_globals(result, types)
    compressed = _compressed_layers(config, mapping) - overridden
    for layer in supported:
        chosen = by_name.get(layer.name, by_type.get(layer.type, common))
        if chosen is None:
            chosen = _message_class()().common_config
        nuq = config.nuq_config.nuq_quantize if layer.name in compressed and layer.non_uniform else None
        values = {
            "quant_enable": layer.name in enabled,
            "activation_quant_params": _activation_params(chosen)
            | {"asymmetric": _asymmetric(chosen, common, config.activation_offset)},
            "weight_quant_params": _weight_params(layer, chosen, nuq),
        }
        check_layer(layer, values)
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
def _message_class() -> Any:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_DESCRIPTOR.read_bytes())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("amct_caffe.AMCTConfig"))


def _parse(config_text: str) -> _Message:
    config = _message_class()()
    try:
        text_format.Merge(config_text, config)
    except text_format.ParseError as error:
        raise Refused("parse", str(error)) from error
    # Merge does not report missing fields (2.9), AMCT should (U21).
    missing = config.FindInitializationErrors()
    if missing:
        raise Refused("required", ", ".join(missing))
    return config


def _reject_repeats(names: Sequence[str]) -> None:
    if len(set(names)) != len(names):
        raise Refused("repeated", ", ".join(names))


def _layer_overrides(config: _Message, types: Mapping[str, str]) -> dict[str, _Message]:
    overrides = config.override_layer_configs
    _reject_repeats([override.layer_name for override in overrides])
    for override in overrides:
        if override.layer_name not in types:
            raise Refused("unknown_layer", override.layer_name)
        # Holds for any existing layer, supported or not (4.9).
        _check_channel_wise(override.calibration_config, types[override.layer_name])
    return {override.layer_name: override.calibration_config for override in overrides}


def _type_overrides(config: _Message) -> dict[str, _Message]:
    overrides = config.override_layer_types
    _reject_repeats([override.layer_type for override in overrides])
    for override in overrides:
        _check_quantizable(override.layer_type)
        _check_channel_wise(override.calibration_config, override.layer_type)
    return {override.layer_type: override.calibration_config for override in overrides}


def _deprecated_pair(config: _Message) -> tuple[_Message | None, dict[str, _Message]]:
    """Return what takes the place of common_config and of the type overrides (4.5)."""
    common = config.conv_calibration_config if config.HasField("conv_calibration_config") else None
    # An unset fc_calibration_config reads as an empty one, which keeps conv's
    # settings away from InnerProduct and Pooling.
    by_type = {name: config.fc_calibration_config for name in QUANTIZABLE_TYPES if not _is_channel_wise(name)}
    for name, calibration in by_type.items():
        _check_channel_wise(calibration, name)
    return common, by_type


def _check_channel_wise(calibration: _Message, layer_type: str) -> None:
    if calibration.arq_quantize.channel_wise and not _is_channel_wise(layer_type):
        raise Refused("channel_wise", layer_type)


def _is_channel_wise(layer_type: str) -> bool:
    return layer_type in CHANNEL_WISE_TYPES


def _check_quantizable(layer_type: str) -> None:
    if layer_type not in QUANTIZABLE_TYPES:
        raise Refused("not_quantizable", layer_type)


def _check_skips(config: _Message, types: Mapping[str, str]) -> None:
    for name in config.skip_layers:
        if name not in types:
            raise Refused("unknown_layer", name)
        _check_quantizable(types[name])
    for layer_type in config.skip_layer_types:
        _check_quantizable(layer_type)
    if set(config.skip_layer_types) == set(QUANTIZABLE_TYPES):
        raise Refused("all_types_skipped")


def _check_supported(supported: Collection[OracleLayer]) -> None:
    if not supported:
        raise Refused("nothing_supported")
    for layer in supported:
        if layer.name in GLOBAL_KEYS:
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


def _globals(config: _Message, batch_num: int) -> dict[str, Any]:
    return {
        "version": 1,
        "batch_num": batch_num,
        "activation_offset": config.activation_offset,
        "joint_quant": config.joint_quant,
        "do_fusion": config.do_fusion,
        "skip_fusion_layers": list(config.skip_fusion_layers),
    }


def _activation_params(chosen: _Message) -> dict[str, Any]:
    """Return the activation parameters of 3.3, but for `asymmetric`."""
    if chosen.HasField("hfmg_quantize"):
        return {"act_algo": "hfmg", "num_of_bins": chosen.hfmg_quantize.num_of_bins}
    # An absent message reads as one with all defaults.
    ifmr = chosen.ifmr_quantize
    return {
        "max_percentile": shortest(ifmr.max_percentile),
        "min_percentile": shortest(ifmr.min_percentile),
        "search_range": [shortest(ifmr.search_range_start), shortest(ifmr.search_range_end)],
        "search_step": shortest(ifmr.search_step),
        "act_algo": "ifmr",
    }


def shortest(value: float) -> float:
    """Return the number that AMCT writes for a proto float (4.8)."""
    return float(str(np.float32(value)))


def _asymmetric(chosen: _Message, common: _Message | None, activation_offset: bool) -> bool:
    """Return the flag of a layer, as the code decides it (4.4, U12)."""
    algorithm = chosen.WhichOneof("acts_quant_algo") or "ifmr_quantize"
    own = getattr(chosen, algorithm)
    if own.HasField("asymmetric"):
        return bool(own.asymmetric)
    if common is not None and common.WhichOneof("acts_quant_algo") == algorithm:
        shared = getattr(common, algorithm)
        if shared.HasField("asymmetric"):
            return bool(shared.asymmetric)
    return activation_offset


def _weight_params(layer: OracleLayer, chosen: _Message, nuq: _Message | None) -> dict[str, Any]:
    """Return the weight parameters of 3.4; `nuq` is set where the mapping selects the layer."""
    if nuq is None and chosen.HasField("nuq_quantize"):
        nuq = chosen.nuq_quantize
    if nuq is not None:
        return {
            "wts_algo": "nuq_quantize",
            "num_steps": nuq.num_steps,
            "num_of_iteration": nuq.num_of_iteration,
        }
    arq = chosen.arq_quantize
    return {
        "wts_algo": "arq_quantize",
        "channel_wise": arq.channel_wise if arq.HasField("channel_wise") else _is_channel_wise(layer.type),
    }


# Checks of values


def check_globals(values: Mapping[str, Any], types: Mapping[str, str]) -> None:
    """Check the ranges of 3.1; `types` maps the layers of the network to their types."""
    # True would pass for 1 and be written as a flag (1).
    if type(values["batch_num"]) is not int or values["batch_num"] < 1:
        raise Refused("batch_num")
    if values["version"] != 1:
        raise Refused("version")
    _reject_repeats(values["skip_fusion_layers"])
    for name in values["skip_fusion_layers"]:
        if name not in types:
            raise Refused("unknown_layer", name)
        if types[name] not in FUSIBLE_TYPES:
            raise Refused("not_fusible", name)


def check_layer(layer: OracleLayer, values: Mapping[str, Any]) -> None:
    """Check the ranges of 3.3 and 3.4 for the complete values of a layer, skipped or not (4.3)."""
    activation = values["activation_quant_params"]
    if activation["act_algo"] == "hfmg":
        _require(activation["num_of_bins"] in (1024, 2048, 4096, 8192), layer, "num_of_bins")
    else:
        _check_ifmr(layer, activation)

    weights = values["weight_quant_params"]
    if weights["wts_algo"] == "nuq_quantize":
        if not layer.non_uniform:
            raise Refused("non_uniform", layer.name)
        _require(weights["num_steps"] in (16, 32), layer, "num_steps")
        _require(weights["num_of_iteration"] in range(6), layer, "num_of_iteration")
    elif weights["channel_wise"] and not _is_channel_wise(layer.type):
        raise Refused("channel_wise", layer.name)


def _check_ifmr(layer: OracleLayer, activation: Mapping[str, Any]) -> None:
    step = activation["search_step"]
    start, end = activation["search_range"]
    for value in (step, start, end, activation["max_percentile"], activation["min_percentile"]):
        # Only a float can be nan or inf (U22), and a huge integer is not one.
        _require(isinstance(value, int) or math.isfinite(value), layer, "not finite")
    for key in ("max_percentile", "min_percentile"):
        _require(0.5 < activation[key] <= 1, layer, key)
    _require(0 < start < end, layer, "search_range")
    widest = Decimal(str(end)) - Decimal(str(start))
    _require(0 < Decimal(str(step)) <= widest, layer, "search_step")


def _require(holds: bool, layer: OracleLayer, what: str) -> None:
    if not holds:
        raise Refused("range", f"{what} in layer {layer.name}")
