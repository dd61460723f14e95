"""Pieces of requests, with marks where the tests want them."""

from __future__ import annotations

from typing import Any

from tests.marks import MARK


def for_all(calibration: str) -> str:
    return f"common_config {{ {calibration} }}\n"


def for_type(layer_type: str, calibration: str = "", mark: str = "") -> str:
    """Return an override; a mark may be before the type, and before the name of its calibration."""
    target = f"layer_type: {_quoted(layer_type)}"
    return f"override_layer_types {{ {target} {mark}calibration_config {{ {calibration} }} }}\n"


def for_every_type(calibration: str) -> str:
    types = ("Convolution", "Deconvolution", "InnerProduct", "Pooling")
    return "".join(for_type(layer_type, calibration) for layer_type in types)


def for_layer(name: str, calibration: str = "", mark: str = "") -> str:
    target = f"layer_name: {_quoted(name)}"
    return f"override_layer_configs {{ {target} {mark}calibration_config {{ {calibration} }} }}\n"


def mapping_of(*layers: str) -> dict[str, Any]:
    """Return the content of a mapping file that selects some layers."""
    original = {"key": "_datadump_original_op_names", "value": {"list": {"s": layers}}}
    flag = {"key": "_fe_weight_compress", "value": {"b": True}}
    return {"graph": [{"op": [{"name": "op", "type": "Conv2D", "attr": [original, flag]}]}]}


def _quoted(name: str) -> str:
    mark, name = ("", name) if not (found := MARK.match(name)) else (found[0], name[found.end() :])
    return f'{mark}"{name}"'
