"""The JSON Schema of configurations: as published, or narrowed to one network."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap
from typing import Any

from quantcfg.contracts.config_schema import (
    ACTIVATION_PARAMS,
    ASYMMETRIC,
    BALANCER,
    CHANNEL_WISE,
    INPUT_INDEX,
    LAYER_NAME,
    NUM_BITS,
    SKIP_FUSION,
    TENSORS,
    WEIGHT_ALGORITHM,
    WEIGHT_PARAMS,
)
from quantcfg.contracts.layer_types import Feature
from quantcfg.diagnostics import catalogue
from quantcfg.diagnostics.phrases import alternatives, quoted
from quantcfg.frozen import frozen_value
from quantcfg.network import ConfigSchema, Edition, Layer, Network
from quantcfg.network.network import VARIABLE_INPUTS
from quantcfg.plan.passes.activations import supports_int16, symmetric_reason
from quantcfg.plan.passes.balancer import reason_without

Schema = dict[str, Any]


@frozen_value
class _Kind:
    """What determines the allowed values of a layer.

    reason is why it cannot be non-uniform, symmetric why it cannot have an offset, and
    without_balancer why it cannot have a balance step; None if it can. supports_int16 is
    False if it supports only the default number of bits.
    """

    type: str
    is_channel_wise: bool
    reason: str | None
    symmetric: str | None
    without_balancer: str | None
    supports_int16: bool


def config_schema(network: Network | None, edition: Edition) -> Schema:
    """Return the JSON Schema of configurations, valid as draft-07 and as 2020-12.

    With a network, each layer is a property with the values that its type allows, and
    no other keys are allowed (reference 3.4, 3.6, 5.1, 5.5). check_text also checks
    what a schema cannot express.
    """
    schema = edition.schema.document if network is None else _narrowed(network)
    return copy.deepcopy(schema)


def config_schema_text(network: Network | None, edition: Edition) -> str:
    """Return the JSON Schema of configurations as text: without a network, the published file."""
    if network is None:
        return edition.schema.text
    return f"{json.dumps(config_schema(network, edition), indent=2)}\n"


def _narrowed(network: Network) -> Schema:
    """Return the schema for a network; it has no $id, since each network has its own schema."""
    schema = network.edition.schema.document
    layers = [layer for name, layer in network.by_name.items() if name not in schema["properties"]]
    kinds = {layer.name: _kind(layer, network) for layer in layers if layer.quantizable}
    names = _names_of_kinds(kinds.values())
    return {
        "$schema": schema["$schema"],
        "$comment": f"{schema['$id']}, narrowed to one network by quantcfg schema --model",
        "title": f"{schema['title']} of {network.name}" if network.name else schema["title"],
        "description": schema["description"],
        "type": schema["type"],
        "properties": {
            **schema["properties"],
            SKIP_FUSION: _fusion_names(schema["properties"][SKIP_FUSION], network),
            **_tensors(schema["properties"], network),
            **{layer.name: _property(layer, kinds.get(layer.name), names) for layer in layers},
        },
        "additionalProperties": False,
        "definitions": _definitions(network.edition.schema, names),
    }


def _kind(layer: Layer, network: Network) -> _Kind:
    types = network.edition.layer_types
    reason = types.reason(Feature.NON_UNIFORM, layer.type, layer.attributes)
    return _Kind(
        layer.type,
        types.channel_wise(layer.type),
        reason,
        symmetric_reason(layer, types),
        reason_without(layer, types),
        supports_int16(layer, types),
    )


def _names_of_kinds(kinds: Iterable[_Kind]) -> dict[_Kind, str]:
    """Return the name of the definition of each kind: its type and a number."""
    of_type: dict[str, list[_Kind]] = defaultdict(list)
    for kind in dict.fromkeys(kinds):
        of_type[kind.type].append(kind)
    return {
        kind: f"{name}_{number}" for name, alike in of_type.items() for number, kind in enumerate(alike, 1)
    }


def _fusion_names(known: Schema, network: Network) -> Schema:
    """Return the schema of skip_fusion_layers with the names that are allowed (reference 4.6)."""
    fusible = network.edition.layer_types.fusible
    names = [name for name, layer in network.by_name.items() if layer.type in fusible]
    narrowed = {key: value for key, value in known.items() if key != "examples"}
    if not names:
        return {**narrowed, "maxItems": 0}
    message = f"must be a layer of the network with type {alternatives(fusible)}"
    return {**narrowed, "items": {**known["items"], "enum": names, "errorMessage": message}}


def _tensors(known: Schema, network: Network) -> Schema:
    """Return the schema of quantized tensors with the nodes and inputs that are allowed, if there are any."""
    if TENSORS not in known:
        return {}
    inputs: dict[tuple[int, ...], list[str]] = defaultdict(list)
    types = network.edition.layer_types.tensor_types
    for name, layer in network.by_name.items():
        variable = layer.attributes.get(VARIABLE_INPUTS)
        if layer.type in types and isinstance(variable, tuple):
            inputs[variable].append(name)
    names = [name for group in inputs.values() for name in group]
    if not names:
        return {TENSORS: {**known[TENSORS], "maxItems": 0}}
    message = f"must be a node of type {alternatives(types)}"
    named = {"properties": {LAYER_NAME: {"enum": names, "errorMessage": message}}}
    items = {"type": "object", "allOf": [known[TENSORS]["items"], named, *starmap(_inputs, inputs.items())]}
    return {TENSORS: {**known[TENSORS], "items": items}}


def _inputs(indices: tuple[int, ...], names: Sequence[str]) -> Schema:
    """Return the rule for the inputs of some nodes."""
    return {
        "if": {"properties": {LAYER_NAME: {"enum": names, "doNotSuggest": True}}, "required": [LAYER_NAME]},
        "then": {"properties": {INPUT_INDEX: {"enum": [*indices]}}},
    }


# --- properties: one for each layer


def _property(layer: Layer, kind: _Kind | None, names: Mapping[_Kind, str]) -> Schema:
    if kind is None:
        reason = catalogue.UNQUANTIZABLE_LAYER.at(None, layer=layer.name, reason=layer.obstacle).message
        return {"description": reason, "not": {}, "errorMessage": reason, "doNotSuggest": True}
    return {
        "description": _description(layer),
        "completionDetail": layer.type,
        "type": "object",
        "allOf": [{"$ref": f"#/definitions/{names[kind]}"}],
    }


def _description(layer: Layer) -> str:
    """Return the description of a layer: its type, the shape of its weights, and the fused layers."""
    shape = "x".join(map(str, layer.weight_shape or ()))
    others = [name for name in layer.fusion if name != layer.name]
    words = [
        layer.type,
        f"weights {shape}" if shape else "",
        f"fused with {quoted(others)}" if others else "",
    ]
    return ", ".join(filter(None, words))


# --- definitions: one for each kind of layer


def _definitions(schema: ConfigSchema, names: Mapping[_Kind, str]) -> Schema:
    generic = schema.definitions
    kept = {name: known for name, known in generic.items() if name not in ("layer", "weight", "arq_quantize")}
    return {
        **kept,
        **{_arq_name(kind.type): _arq(kind, generic["arq_quantize"]) for kind in names},
        **{name: _layer(kind, schema) for kind, name in names.items()},
    }


def _layer(kind: _Kind, schema: ConfigSchema) -> Schema:
    """Return the schema of a kind of layer; each layer has its own description."""
    generic = schema.definitions["layer"]
    layer = {key: value for key, value in generic.items() if key not in ("title", "description")}
    properties = {**layer["properties"], WEIGHT_PARAMS: _weight(kind, schema)}
    if kind.without_balancer and BALANCER in properties:
        message = f"there is no balance step: {kind.without_balancer}"
        properties[BALANCER] = {"not": {}, "errorMessage": message, "doNotSuggest": True}
    if kind.symmetric or not kind.supports_int16:
        properties[ACTIVATION_PARAMS] = _activation(kind, properties[ACTIVATION_PARAMS], schema)
    return {**layer, "properties": properties}


def _activation(kind: _Kind, known: Schema, schema: ConfigSchema) -> Schema:
    """Return the schema of the activations of a kind of layer that does not support all values."""
    narrowed: Schema = {}
    if kind.symmetric:
        message = f"must be false: {kind.symmetric}"
        narrowed[ASYMMETRIC] = {"const": False, "errorMessage": message}
    bits = schema.parameters_by_key(schema.default_activation).get(NUM_BITS)
    if bits and not kind.supports_int16:
        message = f"must be {bits.default} for {kind.type}"
        narrowed[NUM_BITS] = {"const": bits.default, "errorMessage": message}
    return {"type": "object", "allOf": [known, {"properties": narrowed}]}


def _weight(kind: _Kind, schema: ConfigSchema) -> Schema:
    """Return the schema of the weights of a kind of layer, with nuq_quantize only if it is supported."""
    known = schema.definitions["weight"]
    uniform = {"$ref": f"#/definitions/{_arq_name(kind.type)}"}
    if kind.reason is None:
        return {**known, "else": uniform}
    algorithm, selector = schema.default_weight, WEIGHT_ALGORITHM
    return {
        "title": known["title"],
        "description": known["description"],
        "type": known["type"],
        "defaultSnippets": [each for each in known["defaultSnippets"] if each["body"][selector] == algorithm],
        "properties": {selector: _only(algorithm, known["properties"][selector], kind)},
        "allOf": [uniform],
    }


def _only(algorithm: str, selector: Schema, kind: _Kind) -> Schema:
    """Return the schema of a selector that allows only one algorithm."""
    message = catalogue.NOT_NON_UNIFORM.at(None, layers="this layer", type=kind.type, reason=kind.reason)
    description = selector["enumDescriptions"][selector["enum"].index(algorithm)]
    return {
        **selector,
        "enum": [algorithm],
        "enumDescriptions": [description],
        "errorMessage": f'must be "{algorithm}": {message.message}',
    }


def _arq_name(layer_type: str) -> str:
    return f"arq_quantize_{layer_type}"


def _arq(kind: _Kind, known: Schema) -> Schema:
    """Return the schema of uniform quantization of a type, with channel_wise only if it is supported."""
    flag = known["properties"][CHANNEL_WISE]
    if kind.is_channel_wise:
        narrowed = {**flag, "default": True}
    else:
        message = catalogue.CHANNEL_WISE.at(None, type=kind.type, where="").message
        narrowed = {**flag, "const": False, "default": False, "errorMessage": message}
    return {**known, "properties": {**known["properties"], CHANNEL_WISE: narrowed}}
