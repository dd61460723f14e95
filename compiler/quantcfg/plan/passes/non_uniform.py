"""Select layers for non-uniform quantization by a mapping file (reference 4.7, 5.5, U8).

The mapping file is the fusion JSON of the uniformly quantized model. An operator
whose weights the chip can compress has a flag, and lists its original layers.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import Report, catalogue
from quantcfg.files import SAMPLE, known_content, read_bytes
from quantcfg.frozen import replace
from quantcfg.network import Layer, LayerTypes
from quantcfg.plan.assumed import ANY_SELECTED_LAYER
from quantcfg.plan.plan import LayerPlan, Plan
from quantcfg.plan.request import Algorithm
from quantcfg.plan.settings import Setting

_COMPRESSIBLE = ("_fe_weight_compress", "fe_weight_compress")
_ORIGINAL_NAMES = "_datadump_original_op_names"


def resolve_non_uniform(plan: Plan, report: Report) -> Plan:
    """Use the weight algorithm of nuq_config for the layers that the mapping file selects.

    A layer is selected only if it meets the conditions of its type. Overrides of the
    layer or of its type take precedence. If the file cannot be read, which is reported,
    every layer may be selected, so that the values of nuq_config are checked.
    """
    non_uniform = plan.request.non_uniform
    if non_uniform is None:
        return plan
    file = non_uniform.mapping_file
    listed = _compressible_layers(file, report) if file else None
    names = {layer.layer.name for layer in plan.layers} if listed is None else listed
    if not plan.network.is_complete and listed != set():
        names = names | {ANY_SELECTED_LAYER}
    types = plan.network.edition.layer_types
    selected = {
        layer.layer.name
        for layer in plan.layers
        if layer.layer.name in names and _is_possible(layer.layer, types)
    }
    overrides = (*plan.request.type_overrides, *plan.request.layer_overrides)
    overriding = {id(override.calibration) for override in overrides if override.is_written}
    layers = tuple(
        _selected(layer, non_uniform.weight, overriding) if layer.layer.name in selected else layer
        for layer in plan.layers
    )
    chosen = any(layer.weight is non_uniform.weight for layer in layers)
    if plan.layers and not chosen and listed is not None and file:
        help = "remove the overrides of the layers that it selects" if selected else None
        report(catalogue.MAPPING_UNMATCHED.at(file.span, file=file.value, help=help))
    return replace(plan, layers=layers)


def _selected(layer: LayerPlan, weight: Algorithm, overriding: Collection[int]) -> LayerPlan:
    """Return a selected layer; overriding holds the ids of the calibrations that take precedence."""
    is_overridden = id(layer.calibration) in overriding
    return replace(layer, selected=weight, weight=layer.weight if is_overridden else weight)


def _is_possible(layer: Layer, types: LayerTypes) -> bool:
    return types.obstacle(Feature.NON_UNIFORM, layer.type, layer.attributes) is None


def _compressible_layers(file: Setting[str], report: Report) -> set[str] | None:
    """Return the layer names in the mapping file, or None after reporting that it cannot be read."""
    import ntpath

    is_absolute = os.path.isabs(file.value) or ntpath.isabs(file.value)
    help = None if is_absolute else "the path is relative to the working directory"
    content = read_bytes(file.value, report, span=file.span, help=help)
    if content is None:
        return None
    try:
        return set(_names(json.loads(content)))
    except (ValueError, RecursionError) as error:
        problem = f"invalid JSON{_location(error)}"
    except (LookupError, TypeError, AttributeError):
        problem = "no operator graph"
    help = "use the JSON that ATC writes for the uniformly quantized model"
    other = known_content(content[:SAMPLE]) if content else None
    if other:
        problem, help = f"it is {other.what}", other.help or help
    report(catalogue.BAD_MAPPING.at(file.span, file=file.value, reason=problem, help=help))
    return None


def _location(error: Exception) -> str:
    if not isinstance(error, json.JSONDecodeError):
        return ""
    return f" (line {error.lineno}, column {error.colno})"


def _names(mapping: Any) -> Iterator[str]:
    """Yield the original layer names of the flagged operators."""
    for operator in mapping["graph"][0].get("op", []):
        attributes: Mapping[str, Any] = {
            attribute["key"]: attribute.get("value", {}) for attribute in operator.get("attr", [])
        }
        if any(attributes.get(flag, {}).get("b") is True for flag in _COMPRESSIBLE):
            names = attributes.get(_ORIGINAL_NAMES, {}).get("list", {}).get("s", [])
            if not isinstance(names, list):
                raise TypeError(names)
            yield from names
